import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  // Relative: acemux may be reached below any path.
  base: './',
  plugins: [
    {
      name: 'shell-first',
      // Behind what is seen first: that waits for shell.css only. The script still runs after all style sheets.
      transformIndexHtml: {
        order: 'post',
        handler(html) {
          const links: string[] = [];
          const rest = html.replace(/\s*<link rel="stylesheet" crossorigin[^>]*>/g, (link) => {
            links.push(link);
            return '';
          });
          return rest.replace('</body>', () => `${links.join('').trim()}\n  </body>`);
        },
      },
    },
  ],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // Nothing is inlined: the page may load its own files only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
  },
});
