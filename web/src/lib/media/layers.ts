/**
 * What a viewer's page tells the server of the sizes of a live: how large it shows the picture, and what the viewer chose
 * (POST and GET of the address that WHEP answers as `Link: …; rel="urn:ietf:params:whep:ext:core:layer"`).
 *
 * Sizes are the shorter side of the picture in device pixels; time comes in through Timers.
 */
import { type Fetch, REQUEST_TIMEOUT_MS, retryAfterMs } from '../base/api'
import { Backoff } from '../base/backoff'
import type { Timers } from '../base/timers'

/** What a page that nobody sees asks for: the smallest. */
export const HIDDEN_HEIGHT = 180
/** A window that is being dragged is asked once it rests, ms. */
export const SETTLE_MS = 500
/** Smaller changes are not worth a request. */
const CHANGE = 0.2
/** After news that reach all viewers at once they ask within this time, not together, ms. */
const SPREAD_MS = 5_000
const RETRY = { first_ms: 2_000, max_ms: 30_000 }
const ATTEMPTS_MAX = 5

export interface Layer {
  encodingId: string
  width: number
  height: number
  bitrate: number
  active: boolean
}
/** A size in words that outlive one host's encodings. */
export type Quality = 'auto' | 'smooth' | 'standard' | 'high'
export interface Choice {
  quality: Quality
  encodingId: string | null
  /** Lines of the picture as people name them, 0 when unknown. */
  lines: number
}

/**
 * The choices among `layers` (ordered small to large), automatic first and then the largest; none when there is no choice.
 * Of many sizes between the two ends the largest stands for all: more words would help nobody to choose.
 */
export function choicesOf(layers: readonly Layer[]): Choice[] {
  const [smallest, ...others] = layers
  const largest = others.pop()
  const between = others.pop()
  if (!smallest || !largest) return []
  const choice = (quality: Quality, layer: Layer): Choice => ({
    quality,
    encodingId: layer.encodingId,
    lines: Math.min(layer.width, layer.height),
  })
  return [
    { quality: 'auto', encodingId: null, lines: 0 },
    choice('high', largest),
    ...(between ? [choice('standard', between)] : []),
    choice('smooth', smallest),
  ]
}

/** The encoding that a remembered quality stands for in this live; null is automatic. */
export function encodingOf(quality: Quality, choices: readonly Choice[]): string | null {
  return choices.find((choice) => choice.quality === quality)?.encodingId ?? null
}

/** Any text that was remembered, as a quality. */
export function qualityOf(remembered: string | null): Quality {
  return remembered === 'smooth' || remembered === 'standard' || remembered === 'high' ? remembered : 'auto'
}

/** The shorter side of a picture as shown in a box, device pixels; 0 when nothing is shown. Boxes are in CSS pixels. */
export function shownHeight(
  box: { width: number; height: number },
  picture: { width: number; height: number },
  fit: 'cover' | 'contain',
  pixels: number,
): number {
  if (!picture.width || !picture.height || !box.width || !box.height) return 0
  const ratios = [box.width / picture.width, box.height / picture.height]
  const scale = fit === 'cover' ? Math.max(...ratios) : Math.min(...ratios)
  return Math.round(Math.min(picture.width, picture.height) * scale * pixels)
}

/** The layers in an answer; what is none is left out. */
export function layersOf(body: unknown): Layer[] {
  const list = typeof body === 'object' && body !== null ? (body as { layers?: unknown }).layers : null
  if (!Array.isArray(list)) return []
  return list.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return []
    const { encodingId, width, height, bitrate, active } = entry as Record<string, unknown>
    if (typeof encodingId !== 'string' || !encodingId) return []
    return [
      {
        encodingId,
        width: Number(width) || 0,
        height: Number(height) || 0,
        bitrate: Number(bitrate) || 0,
        active: active !== false,
      },
    ]
  })
}

export interface LayerWorld {
  fetch: Fetch
  timers: Timers
  random: () => number
  onChoices: (choices: Choice[]) => void
}

/** Tells one session after another what is shown and chosen. Nothing is sent between `end` and the next `begin`. */
export class LayerDesk {
  #url = ''
  #height = 0
  #hidden = false
  #choices: Choice[] = []
  /** What the server was told last; null when it has to be told in any case. */
  #told: { encodingId: string | null; maxHeight: number } | null = null
  #sending = false
  #failures = 0
  #ready = false
  #cancel: () => void = () => undefined
  readonly #backoff: Backoff

  constructor(
    private quality: Quality,
    private readonly world: LayerWorld,
  ) {
    this.#backoff = new Backoff(world.random, RETRY)
  }

  /** A session plays; `url` is `''` where the server has no layers to choose from. */
  begin(url: string): void {
    if (url === this.#url) return
    this.end()
    this.#url = url
    if (url) void this.#first(url)
  }

  end(): void {
    this.#cancel()
    this.#url = ''
    this.#told = null
    this.#ready = false
    this.#failures = 0
    this.#backoff.reset()
    this.#offer([])
  }

  /** How large the picture is shown: its shorter side, device pixels. */
  shown(height: number): void {
    this.#height = height
    if (!this.#hidden) this.#soon(SETTLE_MS)
  }

  hidden(hidden: boolean): void {
    if (hidden === this.#hidden) return
    this.#hidden = hidden
    this.#soon(0)
  }

  choose(quality: Quality): void {
    this.quality = quality
    this.#soon(0)
  }

  /** The host has come back, maybe with other sizes. */
  hostReturned(): void {
    const url = this.#url
    if (!url) return
    this.world.timers.after(this.world.random() * SPREAD_MS, () => {
      if (url === this.#url) void this.refresh()
    })
  }

  /** Ask again what there is. */
  async refresh(): Promise<void> {
    const url = this.#url
    if (!url) return
    const layers = await this.#ask(url)
    if (url !== this.#url || !layers) return
    this.#offer(choicesOf(layers))
    this.#soon(0)
  }

  /** What there is decides what a remembered quality means, so it is asked before the first word is said. */
  async #first(url: string): Promise<void> {
    await this.refresh()
    if (url !== this.#url) return
    this.#ready = true
    this.#soon(0)
  }

  async #ask(url: string): Promise<Layer[] | null> {
    try {
      const response = await this.world.fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
      return response.ok ? layersOf(await response.json()) : null
    } catch {
      return null
    }
  }

  #offer(choices: Choice[]): void {
    this.#choices = choices
    this.world.onChoices(choices)
  }

  #soon(wait_ms: number): void {
    if (!this.#url || !this.#ready) return
    this.#cancel()
    if (wait_ms === 0) void this.#tell()
    else this.#cancel = this.world.timers.after(wait_ms, () => void this.#tell())
  }

  async #tell(): Promise<void> {
    const url = this.#url
    const wanted = {
      mediaId: 'video',
      encodingId: encodingOf(this.quality, this.#choices),
      maxHeight: this.#hidden ? HIDDEN_HEIGHT : this.#height,
    }
    // Until the picture has been laid out there is nothing to say: `shown` follows.
    if (this.#sending || wanted.maxHeight === 0 || !this.#isNews(wanted)) return
    this.#sending = true
    const failure = await this.#send(url, wanted)
    this.#sending = false
    if (url !== this.#url) return void this.#tellNext()
    if (failure === null) {
      this.#failures = 0
      this.#backoff.reset()
      this.#told = wanted
      return void this.#tellNext()
    }
    this.#failures += 1
    if (failure.final || this.#failures >= ATTEMPTS_MAX) return
    this.#cancel()
    this.#cancel = this.world.timers.after(
      this.#backoff.next(failure.retry_after_ms),
      () => void this.#tell(),
    )
  }

  /** What changed while a request was under way. */
  #tellNext(): void {
    if (this.#url && this.#ready) void this.#tell()
  }

  #isNews(wanted: { encodingId: string | null; maxHeight: number }): boolean {
    const told = this.#told
    if (!told || told.encodingId !== wanted.encodingId) return true
    return Math.abs(wanted.maxHeight - told.maxHeight) > told.maxHeight * CHANGE
  }

  async #send(url: string, body: object): Promise<{ final: boolean; retry_after_ms: number } | null> {
    try {
      const response = await this.world.fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      })
      if (response.ok) return null
      const busy = response.status === 429 || response.status >= 500
      return { final: !busy, retry_after_ms: retryAfterMs(response) }
    } catch {
      return { final: false, retry_after_ms: 0 }
    }
  }
}
