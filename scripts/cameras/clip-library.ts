// Clips as they are sent, each packed once however many cameras show it.
import { packAudio } from './audio-clip.ts'
import { ClipCache, type RawVideo } from './clip-cache.ts'
import {
  type AudioCodec,
  type AudioRecipe,
  audioRecipe,
  type Look,
  VIDEO_RECIPES,
  type VideoRecipe,
} from './clip-recipe.ts'
import { packH26x } from './h26x-clip.ts'
import { packJpeg } from './jpeg-clip.ts'
import { packMetadata } from './metadata-clip.ts'
import type { RtpClip } from './rtp-clip.ts'

/** A picture clip, packed, with what it was packed from. */
export interface VideoClip {
  raw: RawVideo
  rtp: RtpClip
}

/** Changes to the named recipes, e.g. `{main: {widthPx: 320, heightPx: 180, seconds: 2}}` to make tests quick. */
export type ClipChanges = Record<string, Partial<VideoRecipe>>

/** Makes and packs clips by name. */
export class ClipLibrary {
  #cache: ClipCache
  #changes: ClipChanges
  #audioSec: number | undefined
  #videos = new Map<string, Promise<VideoClip>>()
  #audios = new Map<AudioCodec, Promise<RtpClip>>()

  /** @param audioSec length of sounds; theirs where undefined */
  constructor(folder: string, changes: ClipChanges, audioSec: number | undefined) {
    this.#cache = new ClipCache(folder)
    this.#changes = changes
    this.#audioSec = audioSec
  }

  /** Fails where no clip has the name, or ffmpeg cannot make it. */
  video(name: string, appearance: { look?: Look; title?: string }): Promise<VideoClip> {
    const recipe = this.#recipeOf(name, appearance)
    const key = JSON.stringify(recipe)
    let clip = this.#videos.get(key)
    if (!clip) {
      clip = this.#cache.video(recipe).then((raw) => ({
        raw,
        rtp: recipe.codec === 'mjpeg' ? packJpeg(raw) : packH26x(raw),
      }))
      this.#videos.set(key, clip)
    }
    return clip
  }

  audio(codec: AudioCodec): Promise<RtpClip> {
    let clip = this.#audios.get(codec)
    if (!clip) {
      const recipe: AudioRecipe = { ...audioRecipe(codec), ...(this.#audioSec ? { seconds: this.#audioSec } : {}) }
      clip = this.#cache.audio(recipe).then((raw) => packAudio(recipe, raw))
      this.#audios.set(codec, clip)
    }
    return clip
  }

  metadata(): RtpClip {
    return packMetadata()
  }

  #recipeOf(name: string, appearance: { look?: Look; title?: string }): VideoRecipe {
    const recipe = VIDEO_RECIPES[name]
    if (!recipe) throw new Error(`make a clip: ${name} is not one of ${Object.keys(VIDEO_RECIPES).join(', ')}`)
    const { look, title } = appearance
    return { ...recipe, ...(look ? { look } : {}), ...(title ? { title } : {}), ...this.#changes[name] }
  }
}
