// How people, their ids and their groups are found in each kind of directory.
import type { DirectoryKind } from '../../../shared/directory.ts'

export interface KindOfDirectory {
  /** With `{name}` where the escaped name goes. */
  userFilter: string
  /** Anybody who could log in, for lists. */
  peopleFilter: string
  usernameAttribute: string
  /** Outlives a change of name and place. */
  idAttribute: string
  /** The id is 16 bytes, the first three fields little-endian ([MS-DTYP] §2.3.4.2). */
  isIdBinary: boolean
  /** The server follows groups within groups by itself (LDAP_MATCHING_RULE_IN_CHAIN, [MS-ADTS] §3.1.1.3.4.4.3). */
  followsGroups: boolean
}

export const kindsOfDirectory: Record<DirectoryKind, KindOfDirectory> = {
  openldap: {
    userFilter: '(&(objectClass=inetOrgPerson)(uid={name}))',
    peopleFilter: '(&(objectClass=inetOrgPerson)(uid=*))',
    ...{ usernameAttribute: 'uid', idAttribute: 'entryUUID', isIdBinary: false, followsGroups: false },
  },
  'active-directory': {
    userFilter: '(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={name})(userPrincipalName={name})))',
    peopleFilter: '(&(objectCategory=person)(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))',
    ...{ usernameAttribute: 'sAMAccountName', idAttribute: 'objectGUID', isIdBinary: true, followsGroups: true },
  },
  freeipa: {
    userFilter: '(&(objectClass=posixAccount)(uid={name}))',
    peopleFilter: '(&(objectClass=posixAccount)(uid=*))',
    ...{ usernameAttribute: 'uid', idAttribute: 'ipaUniqueID', isIdBinary: false, followsGroups: false },
  },
}

/** A value as it may stand in a filter (RFC 4515 §3): whatever could end it is written as `\xx`. */
export function escapeFilterValue(value: string): string {
  return value.replace(/[\x00-\x1f*()\\]/g, (sign) => `\\${sign.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** A GUID of Active Directory as people write it. */
export function guidOf(bytes: Buffer): string {
  const swapped = Buffer.from(bytes)
  swapped.subarray(0, 4).reverse()
  swapped.subarray(4, 6).reverse()
  swapped.subarray(6, 8).reverse()
  const hex = swapped.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** The bytes of a GUID, as Active Directory compares them. */
export function guidBytes(guid: string): Buffer {
  const bytes = Buffer.from(guid.replaceAll('-', ''), 'hex')
  bytes.subarray(0, 4).reverse()
  bytes.subarray(4, 6).reverse()
  bytes.subarray(6, 8).reverse()
  return bytes
}
