/**
 * What acemux uses of node:http. An `import` of that by its name has Node look at all that it exports, and some of that are
 * getters that load a whole HTTP client which nobody here uses: 15 MB of memory.
 * Types may be imported from it.
 */
export const { Agent, createServer, get, request, STATUS_CODES } = process.getBuiltinModule('node:http');
