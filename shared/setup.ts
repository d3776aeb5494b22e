// The first start: what of the machine is looked at, what of its clock is confirmed, and what is left to do afterwards.
import { z } from 'zod'
import { instantMs } from './time.ts'

/** In the order they are gone through. */
export const setupSteps = ['requirements', 'time', 'password', 'finish'] as const
export type SetupStep = (typeof setupSteps)[number]

export const setupState = z.object({
  isFinished: z.boolean(),
  /** The first step that is not done; absent once the setup is finished. */
  nextStep: z.enum(setupSteps).optional(),
  /** Whether the list of what is left to do is still shown. */
  isChecklistShown: z.boolean(),
})
export type SetupState = z.infer<typeof setupState>

export const requirementNames = [
  'processor-cores',
  'processor-architecture',
  'memory',
  'space-free',
  'space-total',
  'file-system',
  'sync-latency',
  'recording-folder',
  'clock',
  'node',
  'ffmpeg',
] as const
export type RequirementName = (typeof requirementNames)[number]

/** `warning`: it works, with a loss that the sentence names. `failed`: footage is in danger. */
export const verdicts = ['fine', 'warning', 'failed'] as const
export type Verdict = (typeof verdicts)[number]

/** One thing that was measured, with its units in the texts. */
export const requirementFinding = z.object({
  name: z.enum(requirementNames),
  measured: z.string(),
  wanted: z.string(),
  verdict: z.enum(verdicts),
  /** What it means, for people. */
  sentence: z.string(),
})
export type RequirementFinding = z.infer<typeof requirementFinding>

export const requirementReport = z.object({ atMs: instantMs, findings: z.array(requirementFinding) })
export type RequirementReport = z.infer<typeof requirementReport>

/** The check now: how far it is, and what the last one found. */
export const requirementCheck = z.object({
  isRunning: z.boolean(),
  doneCount: z.int(),
  totalCount: z.int(),
  report: requirementReport.optional(),
})
export type RequirementCheck = z.infer<typeof requirementCheck>

const zones = new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])

/** Names that `timeZone` takes, in alphabetical order. */
export const timeZoneNames: readonly string[] = [...zones].sort()

/** An IANA time zone, by the name `Intl` knows it by. */
export const timeZone = z
  .string()
  .max(64, 'must be 64 characters or fewer')
  .refine((name) => zones.has(name), 'must be the IANA name of a time zone, such as Europe/Berlin')

/** `unknown` where no program of the machine tells. */
export const clockSyncs = ['synchronised', 'unsynchronised', 'unknown'] as const
export type ClockSync = (typeof clockSyncs)[number]

export const serverTime = z.object({
  nowMs: instantMs,
  /** The zone the server's time is shown in: as set, else the machine's own. */
  timeZone,
  hostTimeZone: timeZone,
  sync: z.enum(clockSyncs),
  /** Which program of the machine told, and what; or why none did. */
  syncDetail: z.string(),
  /** Why the time cannot be right, where that is plain: it is before what was logged already. */
  doubt: z.string().optional(),
  /** When somebody last confirmed date and time. Absent where nobody did, or somebody has said since that they are wrong. */
  confirmedMs: instantMs.optional(),
  timeZones: z.array(z.string()),
})
export type ServerTime = z.infer<typeof serverTime>

/** What a person says of the server's date and time. */
export const timeVerdict = z.object({
  isRight: z.boolean(),
  /** The server's time as it stood before them. */
  shownMs: instantMs,
  timeZone,
})
export type TimeVerdict = z.infer<typeof timeVerdict>

export const checklistNames = ['password', 'space', 'camera', 'picture'] as const
export type ChecklistName = (typeof checklistNames)[number]

export const checklist = z.object({
  isShown: z.boolean(),
  items: z.array(
    z.object({
      name: z.enum(checklistNames),
      isDone: z.boolean(),
      /** What stands in the way, where that is known. */
      detail: z.string().optional(),
    }),
  ),
})
export type Checklist = z.infer<typeof checklist>

export const checklistChange = z.object({ isShown: z.boolean() })
