import packageJson from '../package.json' with { type: 'json' };

/** acemux's own version. */
export const VERSION: string = packageJson.version;
