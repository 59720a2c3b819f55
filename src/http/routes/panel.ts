import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AcemuxError } from '../../base/reasons.ts';
import { pathOf } from '../errors.ts';
import type { PanelFiles } from '../panel-files.ts';

export const PANEL_PATH = '/panel';

const NOT_BUILT = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>acemux: the panel is not built</title>
<meta name="viewport" content="width=device-width"></head><body><h1>The panel is not built</h1>
<p>acemux itself runs. In its folder, <code>npm ci</code> builds the panel, and so does <code>npm run build:panel</code>; then load
this page again. The packages that build it are left out by <code>npm ci --omit=dev</code>.</p></body></html>
`;

/**
 * `/panel`: the files of the panel. They tell nothing of this house, so nobody needs a key for them: what the panel shows it
 * asks for by the routes that anybody else uses.
 */
export function registerPanel(scope: FastifyInstance, files: PanelFiles): void {
  const config = { area: 'open' } as const;
  const schema = { hide: true };

  const send = async (request: FastifyRequest, reply: FastifyReply, name: string): Promise<unknown> => {
    if (!(await files.isBuilt())) {
      return reply
        .code(503)
        .type('text/html; charset=utf-8')
        .header('Cache-Control', 'no-store')
        .send(NOT_BUILT);
    }
    const file = await files.find(name);
    if (!file) throw new AcemuxError('not_found');
    const { bytes, gzipped, isImmutable, type } = file;
    reply.type(type);
    reply.header('Cache-Control', isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache');
    if (!gzipped) return reply.send(bytes);
    reply.header('Vary', 'Accept-Encoding');
    if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return reply.send(bytes);
    return reply.header('Content-Encoding', 'gzip').send(gzipped);
  };

  // Who types the address alone means the panel.
  scope.get('/', { config, schema }, (_request, reply) => reply.redirect('panel/'));
  scope.get(PANEL_PATH, { config, schema }, (request, reply) => {
    // Without the slash the page would look for its files beside itself. Relative: a proxy may have put a path before.
    if (!pathOf(request.url).endsWith('/')) return reply.redirect('panel/');
    return send(request, reply, 'index.html');
  });
  scope.get(`${PANEL_PATH}/`, { config, schema }, (request, reply) => send(request, reply, 'index.html'));
  scope.get<{ Params: { '*': string } }>(`${PANEL_PATH}/*`, { config, schema }, (request, reply) =>
    send(request, reply, request.params['*']),
  );
}
