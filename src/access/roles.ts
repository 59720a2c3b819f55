/** What a key may be good for; `guard.ts` has the table of what each may do. */
export const ROLES = ['admin', 'operator', 'viewer', 'metrics'] as const;

export type Role = (typeof ROLES)[number];
