// Accounts, who is logged in, and what a password must be.
import { z } from 'zod'
import { privileges } from './privilege.ts'
import { instantMs } from './time.ts'

/**
 * A user's name: 1 to 32 letters (Latin, Cyrillic, Chinese, Japanese, Korean), digits and `~ ! @ # $ ^ & ( ) - _ . { }`
 * (user guide, "Creating a Local User").
 */
export const username = z
  .string()
  .trim()
  .min(1, 'is required')
  .max(32, 'must be 32 characters or fewer')
  .regex(
    /^[A-Za-z0-9\p{Script=Cyrillic}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー~!@#$^&()\-_.{}]+$/u,
    'must be letters, digits and ~ ! @ # $ ^ & ( ) - _ . { } only',
  )

/** A password as it may be set; what else it must be, the password policy says. */
export const password = z
  .string()
  .min(1, 'is required')
  .max(64, 'must be 64 characters or fewer')
  .regex(/^[\x20-\x7e]*$/, 'must be letters, digits and signs of ASCII only')

/** What a password must be, and for how long it may be used. */
export const passwordPolicy = z.object({
  minLength: z.int().min(1).max(64),
  needsLowerCase: z.boolean(),
  needsUpperCase: z.boolean(),
  needsDigit: z.boolean(),
  needsSpecial: z.boolean(),
  /** No character three times in a row. */
  forbidsRepeats: z.boolean(),
  /** Neither the user's name nor the name backwards, whatever the case. */
  forbidsUsername: z.boolean(),
  /** Days after which it must be changed; 0 never. */
  maxAgeDays: z.int().min(0).max(3650),
})
export type PasswordPolicy = z.infer<typeof passwordPolicy>

export const accountPolicy = z.object({
  password: passwordPolicy,
  /** Minutes without a request after which a session ends; 0 never. */
  idleMinutes: z.int().min(0).max(1440),
})
export type AccountPolicy = z.infer<typeof accountPolicy>

export const accountPolicyPatch = z.object({
  password: passwordPolicy.partial().optional(),
  idleMinutes: accountPolicy.shape.idleMinutes.optional(),
})

export const loginRequest = z.object({
  username: z.string().min(1, 'is required').max(64),
  password: z.string().min(1, 'is required').max(128),
  /** Of the authenticator app, or a recovery code; where the account has a second step. */
  code: z.string().trim().max(32).optional(),
})

export const passwordChange = z.object({ current: z.string().max(128), next: password })

export const session = z.object({
  username: z.string(),
  /** Sent back in the header `x-csrf-token` with every request that changes something. */
  csrfToken: z.string(),
  /** True while the password is a one-time one, or must be changed. */
  mustChangePassword: z.boolean(),
  /** True where nothing else is allowed until it is changed. */
  isPasswordExpired: z.boolean(),
  isAdministrator: z.boolean(),
  /** False where the password is kept elsewhere and can only be changed there. */
  canChangePassword: z.boolean(),
  privileges: z.array(z.enum(privileges)),
  lastLoginMs: z.int().optional(),
})
export type Session = z.infer<typeof session>

const email = z.union([z.literal(''), z.email('must be an address such as name@example.org').max(254)])
const phone = z
  .string()
  .trim()
  .max(32, 'must be 32 characters or fewer')
  .regex(/^[0-9+()\-/. ]*$/, 'must be digits and + ( ) - / . only')

/** Who keeps an account's password: this server, the NAS, a directory (LDAP), an OpenID provider. */
export const accountSources = ['local', 'nas', 'directory', 'openid'] as const
export type AccountSource = (typeof accountSources)[number]

/** An account as administrators see it. */
export const account = z.object({
  id: z.string(),
  username: z.string(),
  source: z.enum(accountSources),
  email: z.string(),
  phone: z.string(),
  /** In the group of administrators: may do everything. */
  isAdministrator: z.boolean(),
  isEnabled: z.boolean(),
  /** Must change the password before anything else. */
  mustChangePassword: z.boolean(),
  hasSecondFactor: z.boolean(),
  createdMs: instantMs,
  lastLoginMs: instantMs.optional(),
  passwordChangedMs: instantMs,
})
export type AccountView = z.infer<typeof account>

export const accountDraft = z.object({
  username,
  password,
  email: email.default(''),
  phone: phone.default(''),
  isAdministrator: z.boolean().default(false),
  mustChangePassword: z.boolean().default(true),
})
export type AccountDraft = z.infer<typeof accountDraft>

export const accountPatch = z.object({
  email: email.optional(),
  phone: phone.optional(),
  isAdministrator: z.boolean().optional(),
  isEnabled: z.boolean().optional(),
})
export type AccountPatch = z.infer<typeof accountPatch>

export const passwordReset = z.object({ password, mustChangePassword: z.boolean().default(true) })

/** A login that is open now. */
export const openSession = z.object({
  /** Names the session, and is no secret. */
  id: z.string(),
  username: z.string(),
  address: z.string(),
  /** What the browser says it is; empty for others. */
  userAgent: z.string(),
  startedMs: instantMs,
  /** Of its last request, to the minute. */
  lastSeenMs: instantMs,
  isThis: z.boolean(),
})
export type OpenSession = z.infer<typeof openSession>

/** A secret that an authenticator app is to take over; it counts from the first right code on. */
export const secondFactorOffer = z.object({
  /** Base32 (RFC 4648 §6). */
  secret: z.string(),
  /** `otpauth://totp/…`, as authenticator apps read it from a QR code. */
  uri: z.string(),
})
export type SecondFactorOffer = z.infer<typeof secondFactorOffer>

export const secondFactorState = z.object({
  isOn: z.boolean(),
  /** Recovery codes not used yet. */
  recoveryCodesLeft: z.int(),
})

export const passwordConfirmation = z.object({ password: z.string().min(1, 'is required').max(128) })
export const secondFactorCode = z.object({
  code: z
    .string()
    .trim()
    .regex(/^\d{6}$/, 'must be the 6 digits that the app shows'),
})

/** Shown once; each logs in one time in place of a code. */
export const recoveryCodes = z.object({ recoveryCodes: z.array(z.string()) })
