// A provider of OpenID Connect whose people may log in.
import { z } from 'zod'

const text = (limit: number) => z.string().trim().max(limit, `must be ${limit} characters or fewer`)

export const openidSettings = z.object({
  isOn: z.boolean(),
  /** On the button of the log-in page: "Log in with …". */
  label: text(40),
  /** The provider's address, as its discovery document (`/.well-known/openid-configuration`) names it. */
  issuer: text(1024),
  clientId: text(255),
  hasClientSecret: z.boolean(),
  /** Separated by spaces; `openid` is among them. */
  scopes: text(255),
  /** Claim that holds the user's name, and one that lists groups; the latter may be empty. */
  usernameClaim: text(64),
  groupsClaim: text(64),
  /** Only members may log in; empty lets in everybody whom the provider lets in. */
  loginGroup: text(255),
  /** Members administer; empty makes nobody an administrator. */
  administratorsGroup: text(255),
  /** Whether an account is made at somebody's first log-in; else only who has one here already comes in. */
  makesAccounts: z.boolean(),
  /** The address that people open, ending with `/`, where the provider must be told another than a request names. */
  publicUrl: text(1024),
})
export type OpenidSettings = z.infer<typeof openidSettings>

/** What is given is changed. An empty `clientSecret` forgets it. */
export const openidPatch = openidSettings
  .omit({ hasClientSecret: true })
  .partial()
  .extend({ clientSecret: z.string().max(512).optional() })
export type OpenidPatch = z.infer<typeof openidPatch>

/** Why a log-in by a provider ended without one; told to the page behind `#login-failed=`. */
export const openidFailures = [
  'cancelled',
  'refused',
  'unreachable',
  'not-in-group',
  'no-account',
  'name-taken',
  'disabled',
] as const
export type OpenidFailure = (typeof openidFailures)[number]

/** Ways to log in beside name and password, for the page that asks for them. */
export const loginWays = z.object({
  /** What to call the provider; absent where there is none. */
  openidLabel: z.string().optional(),
})
export type LoginWays = z.infer<typeof loginWays>
