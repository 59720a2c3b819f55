import type { Result } from '../recording/format.ts';

const HEADINGS = ['CHECK', 'THIS ENGINE', 'ACEMUX ASSUMED', ''];
const WIDTHS = [30, 46, 34, 10];

/** The results as a table for a terminal of about 120 columns; what is longer goes on in the next line. */
export function resultTable(results: readonly Result[]): string {
  const rows = results.map(({ title, engine, assumed, grade, verdict }) => [
    title,
    engine,
    `${assumed} [${grade}]`,
    verdict,
  ]);
  const rule = WIDTHS.map((width) => '─'.repeat(width)).join('  ');
  return `${row(HEADINGS)}${rule}\n${rows.map(row).join('')}`;
}

function row(cells: readonly string[]): string {
  const columns = cells.map((cell, index) => wrapped(printable(cell), WIDTHS[index] ?? 10));
  const height = Math.max(...columns.map((lines) => lines.length));
  let text = '';
  for (let line = 0; line < height; line++) {
    const parts = columns.map((lines, index) => (lines[line] ?? '').padEnd(WIDTHS[index] ?? 0));
    text += `${parts.join('  ').trimEnd()}\n`;
  }
  return text;
}

/** Lines of at most `width` characters, broken at spaces where there are any. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    const at = space > 0 ? space : width;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  return [...lines, rest];
}

/** What an engine says must not move the cursor. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ');
}
