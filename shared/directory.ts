// A directory (LDAP, RFC 4511; Active Directory) whose people may log in.
import { z } from 'zod'

/** What the directory is: says how people, groups and their ids are found in it. */
export const directoryKinds = ['openldap', 'active-directory', 'freeipa'] as const
export type DirectoryKind = (typeof directoryKinds)[number]

const name = (limit: number) => z.string().trim().max(limit, `must be ${limit} characters or fewer`)
const server = z
  .string()
  .trim()
  .regex(/^ldaps?:\/\/[^\s/?#@]+$/, 'must be ldap://host, ldaps://host, with a port or without')
  .max(255)

export const directorySettings = z.object({
  isOn: z.boolean(),
  kind: z.enum(directoryKinds),
  /** Asked one after the other until one answers. `ldap://` is secured by StartTLS (RFC 4511 §4.14). */
  servers: z.array(server).max(5, 'must be 5 servers or fewer'),
  /** Lets passwords cross the network unprotected where `ldap://` offers no StartTLS. */
  allowsPlain: z.boolean(),
  /** PEM of the authority that signed the servers' certificates; empty for the public ones. */
  authorityPem: name(65_536),
  /** Who looks people up; both empty where everybody may. */
  bindDn: name(1024),
  hasBindPassword: z.boolean(),
  /** Below which people are. */
  baseDn: name(1024),
  /** Which people may be found, as a filter (RFC 4515) with `{name}` in it; empty for the usual one of the kind. */
  userFilter: name(2048),
  /** Below which groups are; empty for `baseDn`. */
  groupBaseDn: name(1024),
  /** Only its members, directly or by other groups, may log in; empty lets in everybody who is found. */
  loginGroupDn: name(1024),
  /** Its members administer; empty makes nobody an administrator. */
  administratorsGroupDn: name(1024),
  /** Seconds that a server has to answer. */
  timeoutSec: z.int().min(1, 'must be 1 to 60').max(60, 'must be 1 to 60'),
})
export type DirectorySettings = z.infer<typeof directorySettings>

/** What is given is changed. An empty `bindPassword` forgets it. */
export const directoryPatch = directorySettings
  .omit({ hasBindPassword: true })
  .partial()
  .extend({ bindPassword: z.string().max(256).optional() })
export type DirectoryPatch = z.infer<typeof directoryPatch>

export const directoryTestRequest = z.object({
  /** Settings to try that are not kept yet. */
  settings: directoryPatch.default({}),
  /** A person to look for. */
  username: z.string().trim().max(64).default(''),
})

/** Step by step, up to the first that failed. */
export const directoryTest = z.object({
  isPassed: z.boolean(),
  steps: z.array(
    z.object({
      step: z.enum(['connect', 'secure', 'bind', 'search', 'person', 'groups']),
      isPassed: z.boolean(),
      detail: z.string(),
    }),
  ),
})
export type DirectoryTest = z.infer<typeof directoryTest>

export const directoryPerson = z.object({
  /** What the directory knows the person by for ever. */
  id: z.string(),
  username: z.string(),
  displayName: z.string(),
  email: z.string(),
  /** Has an account here already. */
  isKnown: z.boolean(),
})
export type DirectoryPerson = z.infer<typeof directoryPerson>

export const directorySearch = z.object({ search: z.string().trim().max(64).default('') })
export const directoryImport = z.object({ ids: z.array(z.string().max(255)).min(1).max(200) })
