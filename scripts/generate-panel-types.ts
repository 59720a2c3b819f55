// Writes panel/src/api/replies.ts from the OpenAPI document: part of `npm run docs`.
import { writeFileSync } from 'node:fs';
import { buildRig } from '../src/http/testing/rig.ts';
import { panelTypes } from './panel-types.ts';

const { server } = buildRig();
const { url } = await server.listen();
const document: unknown = await (await fetch(`${url}/openapi.json`)).json();
await server.close();
writeFileSync(new URL('../panel/src/api/replies.ts', import.meta.url), panelTypes(document));
