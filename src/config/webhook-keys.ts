import { key } from './key.ts';
import { listItems, secretText } from './texts.ts';
import { parsed, refused, shownValue, type ValueType } from './value-type.ts';

const URLS_MAX = 20;
const URL_LENGTH_MAX = 2_000;
/** `stream.failed`, `vpn.*`, `*`. */
const EVENT_NAME = /^(\*|[a-z]+\.([a-z_]+|\*))$/;

function urlList(): ValueType<readonly string[]> {
  const problem = `at most ${URLS_MAX} URLs, http or https, without a user`;
  return {
    description: 'URLs, with commas (in YAML a list)',
    example: 'https://example.org/hook',
    schema: { type: 'array', items: { type: 'string' }, maxItems: URLS_MAX },
    parse(raw) {
      const items = listItems(raw)?.map((item) => shownValue(item).trim());
      if (!items || items.length > URLS_MAX) return refused(problem);
      return items.every(isHook) ? parsed(items) : refused(problem);
    },
    print: (value) => [...value],
  };
}

function isHook(text: string): boolean {
  if (text.length > URL_LENGTH_MAX || !URL.canParse(text)) return false;
  const { password, protocol, username } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

function eventNames(): ValueType<readonly string[]> {
  const problem = 'names of events, as `stream.failed`, `vpn.*` or `*`';
  return {
    description: 'names of events, as `stream.failed`, `vpn.*` or `*`, with commas (in YAML a list)',
    example: 'stream.failed,vpn.*',
    schema: { type: 'array', items: { type: 'string', pattern: EVENT_NAME.source } },
    parse(raw) {
      const items = listItems(raw)?.map((item) => shownValue(item).trim());
      return items?.every((item) => EVENT_NAME.test(item)) ? parsed(items) : refused(problem);
    },
    print: (value) => [...value],
  };
}

/** Who is told what happens: the section `webhooks`. */
export const WEBHOOK_KEYS = {
  urls: key<readonly string[]>({
    yaml: 'urls',
    environment: 'WEBHOOKS',
    type: urlList(),
    default: [],
    whenUnset: 'nobody is told',
    applies: 'now',
    onlyInFile: true,
    secret: true,
    doc: 'Where each event is sent as it happens, by POST as JSON; see docs/events.md. No API can add an address.',
  }),
  events: key<readonly string[]>({
    yaml: 'events',
    environment: 'WEBHOOK_EVENTS',
    type: eventNames(),
    default: [],
    whenUnset: 'warnings and errors',
    applies: 'now',
    doc: 'Which events are sent. `*` is all of them: that is a request for each viewer that comes or goes.',
  }),
  secret: key<string | undefined>({
    yaml: 'secret',
    environment: 'WEBHOOK_SECRET',
    type: secretText(),
    default: undefined,
    whenUnset: 'they are not signed',
    applies: 'now',
    onlyInFile: true,
    secret: true,
    doc: 'With it, what is sent is signed: `X-Acemux-Signature-256` is `sha256=` and the HMAC-SHA-256 of the body, in hex.',
  }),
};
