import type { FastifyInstance } from 'fastify';
import { AcemuxError } from '../../base/reasons.ts';
import { Type } from '../../base/schema.ts';
import type { HttpDeps } from '../deps.ts';
import { ErrorBodySchema } from '../errors.ts';
import { publicIpOf, VpnStatusSchema, vpnStatusWords } from '../vpn-words.ts';

/** `/vpn/status` and `/vpn/publicip`. */
export function registerVpn(scope: FastifyInstance, { clock, vpns }: Pick<HttpDeps, 'clock' | 'vpns'>): void {
  const config = { area: 'view' } as const;

  scope.get(
    '/vpn/status',
    {
      config,
      schema: {
        tags: ['view'],
        summary: 'The VPNs that engines are behind',
        response: { 200: VpnStatusSchema },
      },
    },
    async () => vpnStatusWords(vpns.list(), clock.wallMs()),
  );

  scope.get(
    '/vpn/publicip',
    {
      config,
      schema: {
        tags: ['view'],
        summary: 'The public address of the engines behind a VPN',
        response: { 200: Type.Object({ public_ip: Type.String() }), 503: ErrorBodySchema },
      },
    },
    async () => {
      const address = publicIpOf(vpns.list());
      if (address === undefined) {
        throw new AcemuxError('vpn_address_unknown', 'Unable to retrieve VPN public IP');
      }
      return { public_ip: address };
    },
  );
}
