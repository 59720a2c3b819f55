import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLog, formatFor, type Log, type LogOptions, setLogLevel, silentLog } from './log.ts';
import { withoutSecrets } from './redaction.ts';

const JSON_LOG: LogOptions = { level: 'info', format: 'json' };

/** What `write` makes a log of these options say. */
function logged(options: LogOptions, write: (log: Log) => void): string {
  let text = '';
  write(createLog(options, { write: (line) => (text += line) }));
  return text;
}

describe('the log in JSON', () => {
  test('is one object a line with level, time in UTC, fields and message', () => {
    const text = logged(JSON_LOG, (log) =>
      log.child({ session: 's1' }).warn({ engine: 'e1' }, 'it fell silent'),
    );
    assert.ok(text.endsWith('}\n'));
    const { time, ...rest } = JSON.parse(text);
    assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual(rest, { level: 'warn', session: 's1', engine: 'e1', msg: 'it fell silent' });
  });

  test('leaves out what is below its level', () => {
    const text = logged(JSON_LOG, (log) => {
      log.debug('not this');
      log.info('this');
    });
    assert.doesNotMatch(text, /not this/);
    assert.match(text, /this/);
  });

  test('shows the stack and the cause of an error', () => {
    const error = new Error('outer', { cause: new Error('inner') });
    const { err } = JSON.parse(logged(JSON_LOG, (log) => log.error({ err: error }, 'failed')));
    assert.match(err.stack, /outer[\s\S]*inner/);
  });
});

describe('the format', () => {
  const auto: LogOptions = { level: 'info', format: 'auto' };

  test('auto is pretty on a terminal, else JSON', () => {
    assert.equal(formatFor(auto, { write: () => {}, isTTY: true }), 'pretty');
    assert.equal(formatFor(auto, { write: () => {} }), 'json');
    assert.equal(formatFor({ ...auto, format: 'json' }, { write: () => {}, isTTY: true }), 'json');
  });

  test('pretty is for people: no braces around the line', () => {
    const text = logged({ level: 'info', format: 'pretty' }, (log) => log.info({ engine: 'e1' }, 'hello'));
    assert.match(text, /^\[\d\d:\d\d:\d\d\] INFO: hello .*e1.*\n$/);
  });
});

describe('secrets', () => {
  const SECRET = 'abc"def\\ghi';

  test('in fields of any depth, in child loggers, messages, URLs and errors are hidden in both formats', () => {
    for (const format of ['json', 'pretty'] as const) {
      const text = logged({ level: 'info', format }, (log) => {
        const fields = {
          api_key: SECRET,
          nested: { token: SECRET, headers: { Authorization: `Bearer ${SECRET}` } },
        };
        log.child({ key: SECRET }).info(fields, 'Bearer abcdef123');
        log.info(
          { url: 'http://h/p?id=1&token=abcdef&x=2', list: { cookie: ['abcdef', 'b'] }, password: 123456 },
          '',
        );
        log.error({ err: new Error('GET http://user:abcdef@h/?api_key=abcdef failed') }, 'at /x?key=abcdef');
      });
      assert.doesNotMatch(text, /abc|def|ghi|123/, format);
      assert.match(text, /id=1&token=\[hidden\]&x=2/);
      assert.match(text, /hidden/);
    }
  });

  test('are taken out without breaking the JSON', () => {
    const text = logged(JSON_LOG, (log) => log.info({ token: SECRET, after: 'visible' }, 'x'));
    const { token, after } = JSON.parse(text);
    assert.deepEqual([token, after], ['[hidden]', 'visible']);
  });

  test('in the addresses of playbacks, ours and an engine’s, are hidden', () => {
    const token = '5a'.repeat(16);
    for (const what of ['r', 'm', 'stat', 'cmd', 'event']) {
      const path = `/ace/${what}/${'f'.repeat(40)}/${token}`;
      const text = logged(JSON_LOG, (log) =>
        log.info(
          { path, err: new Error(`GET http://10.0.0.7:6878/prefix${path}.m3u8?method=stop`) },
          `at ${path}`,
        ),
      );
      assert.doesNotMatch(text, /5a5a/, what);
      assert.match(text, new RegExp(`"path":"/ace/${what}/f{40}/\\[hidden\\]"`));
      assert.match(text, /\[hidden\]\?method=stop/);
    }
  });

  test('that acemux has made are known wherever they stand', () => {
    const key = `amx_${'k'.repeat(43)}`;
    const token = `s1.${'p'.repeat(30)}.${'m'.repeat(43)}`;
    const text = logged(JSON_LOG, (log) =>
      log.info({ what: [key], path: `/x/${token}/y` }, `${key} and ${token}, and /login?link=llllllll`),
    );
    assert.doesNotMatch(text, /kkk|ppp|mmm|lll/);
  });

  test('are only what is called so: other words stay', () => {
    const line = '{"key_type":"infohash","keyframe":true,"msg":"the key is in /data/admin.key?monkey=1"}';
    assert.equal(withoutSecrets(line), line);
  });

  test('take no longer to find in a long line', () => {
    const line = `{"msg":"${'//@"key":?key=\\"'.repeat(20_000)}"}`;
    assert.ok(withoutSecrets(line).length > 0);
  });
});

test('a silent log says nothing at any level', () => {
  const log = silentLog();
  assert.equal(log.isLevelEnabled('fatal'), false);
});

test('the level changes at run time, also of children, and not where one has its own', () => {
  const text = logged(JSON_LOG, (log) => {
    const child = log.child({ session: 's' }).child({ engine: 'e' });
    const own = log.child({}, { level: 'error' });
    child.debug('too early');
    setLogLevel(log, 'debug');
    child.debug('from now on');
    own.warn('not this');
    setLogLevel(log, 'error');
    child.warn('too late');
  });
  assert.match(text, /from now on/);
  assert.doesNotMatch(text, /too|not this/);
});
