import { computed, signal } from '@preact/signals';
import { act, get, keyWanted, logInWith, noteLogin, RefusedError } from '../api/call.ts';
import type { Replies } from '../api/replies.ts';

export type Me = Replies['GET /whoami'];

/** Who one is here. Undefined until acemux has told. */
export const me = signal<Me | undefined>(undefined);
/** Another number after each login and logout: what was refused before may be asked for again. */
export const logins = signal(0);

/** Who has a key that is not good for acts is not shown them; who has none yet is asked for one. */
export const showsActs = computed(() => !me.value?.key || me.value.may.includes('operate'));
export const showsAdmin = computed(() => !me.value?.key || me.value.may.includes('admin'));
/** A key for playing, and for nothing else. */
export const isPlayer = computed(() => me.value?.key !== null && me.value?.may.includes('view') === false);

export async function loadMe(): Promise<void> {
  try {
    me.value = await get('GET /whoami', '/whoami');
    if (me.value.key) noteLogin(true);
  } catch (error) {
    // Without an answer nothing is known of oneself: the connection says what is wrong.
    if (!(error instanceof RefusedError)) throw error;
  }
}

/** @throws RefusedError if it is no key */
export async function logIn(key: string): Promise<void> {
  await logInWith(key);
  await loadMe();
  keyWanted.value = undefined;
  logins.value++;
}

export async function logOut(): Promise<void> {
  await act('POST', '/logout');
  noteLogin(false);
  await loadMe();
  logins.value++;
}
