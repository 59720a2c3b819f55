import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routeOf } from './engine-core.ts';

test('every path of the engine has its route', () => {
  const routes = {
    '/ace/getstream?id=1': 'start',
    '/ace/manifest.m3u8?id=1': 'manifest',
    '/ace/r/a/b': 'redirect',
    '/content/a/0.1': 'content',
    '/ace/stat/a/b': 'stat',
    '/ace/cmd/a/b?method=stop': 'stop',
    '/ace/cmd/a/b?method=liveseek': 'command',
    '/ace/event/a/b': 'event',
    '/webui/api/service?method=get_version': 'service',
    '/server/api': 'service',
    '/': 'other',
    '/ace/getstream/x': 'other',
  };
  for (const [target, route] of Object.entries(routes)) {
    const [path = '', query = ''] = target.split('?');
    assert.equal(routeOf(path, new URLSearchParams(query)), route, target);
  }
});
