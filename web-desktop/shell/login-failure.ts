// Why a log-in by a provider failed, as the address says when the browser comes back from there.
import type { OpenidFailure } from '../../shared/openid.ts'
import { wordsOf } from '../base/i18n.ts'

const words: Record<OpenidFailure, string> = {
  cancelled: 'The log-in was cancelled.',
  refused: 'The log-in did not succeed. Please try again.',
  unreachable: 'The provider does not answer now. Please try again later, or log in with a password.',
  'not-in-group': 'You are not in the group whose members may log in here.',
  'no-account': 'You have no account here. Please ask an administrator.',
  'name-taken': 'Another user here has your name. Please ask an administrator.',
  disabled: 'Your account is disabled. Please ask an administrator.',
}
const t = wordsOf(words)

/** The words for it, once; empty where nothing failed. The address is made plain again. */
export function takeLoginFailure(): string {
  const why = /^#login-failed=([a-z-]+)$/.exec(location.hash)?.[1]
  if (why === undefined) return ''
  history.replaceState(null, '', location.pathname)
  return t(Object.hasOwn(words, why) ? (why as OpenidFailure) : 'refused')
}
