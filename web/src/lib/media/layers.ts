/**
 * Layer selection of a viewer's page: the size of the video on screen, and the layer that the viewer chose
 * (POST and GET of the address that WHEP answers as `Link: …; rel="urn:ietf:params:whep:ext:core:layer"`).
 *
 * Sizes are the shorter side of the video in device pixels; time comes in through Timers.
 */
import { type Fetch, REQUEST_TIMEOUT_MS, retryAfterMs } from '../base/api'
import { Backoff } from '../base/backoff'
import type { Timers } from '../base/timers'

/** What a hidden page asks for: the smallest layer. */
const HIDDEN_HEIGHT = 180
/** A window that is being resized counts once it rests, ms. */
export const SETTLE_MS = 500
/** Smaller changes are not worth a request. */
const CHANGE_RATIO_MIN = 0.2
/** Requests after an event that reaches all viewers at once are spread over this time, ms. */
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
/** A layer by a name that outlives one host's encodings. */
export type Quality = 'auto' | 'smooth' | 'standard' | 'high'
export interface Choice {
  quality: Quality
  encodingId: string | null
  /** The shorter side of the video, as in `720p`; 0 when unknown. */
  height: number
}

/**
 * The choices among `layers` (ordered small to large), automatic first and then the largest; none when there is no choice.
 * Of several layers between the two ends only the largest is offered.
 */
export function choicesOf(layers: readonly Layer[]): Choice[] {
  const [smallest, ...others] = layers
  const largest = others.pop()
  const between = others.pop()
  if (!smallest || !largest) return []
  const choice = (quality: Quality, layer: Layer): Choice => ({
    quality,
    encodingId: layer.encodingId,
    height: Math.min(layer.width, layer.height),
  })
  return [
    { quality: 'auto', encodingId: null, height: 0 },
    choice('high', largest),
    ...(between ? [choice('standard', between)] : []),
    choice('smooth', smallest),
  ]
}

/** The encoding of a remembered quality in this live; null is automatic. */
function encodingOf(quality: Quality, choices: readonly Choice[]): string | null {
  return choices.find((choice) => choice.quality === quality)?.encodingId ?? null
}

/** A stored text as a quality. */
export function qualityOf(remembered: string | null): Quality {
  return remembered === 'smooth' || remembered === 'standard' || remembered === 'high' ? remembered : 'auto'
}

/** The shorter side of a video as shown in a box, device pixels; 0 when nothing is shown. Boxes are in CSS pixels. */
export function shownHeight(
  box: { width: number; height: number },
  video: { width: number; height: number },
  fit: 'cover' | 'contain',
  pixels: number,
): number {
  if (!video.width || !video.height || !box.width || !box.height) return 0
  const ratios = [box.width / video.width, box.height / video.height]
  const scale = fit === 'cover' ? Math.max(...ratios) : Math.min(...ratios)
  return Math.round(Math.min(video.width, video.height) * scale * pixels)
}

/** The layers in a response; invalid ones are left out. */
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

interface LayerWorld {
  fetch: Fetch
  timers: Timers
  random: () => number
  onChoices: (choices: Choice[]) => void
}

/** Selects the layer of one session after another. Nothing is sent between `end` and the next `begin`. */
export class LayerSelector {
  #url = ''
  #height = 0
  #hidden = false
  #choices: Choice[] = []
  /** The selection that the server has; null when it has none. */
  #selected: { encodingId: string | null; maxHeight: number } | null = null
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
    if (url) void this.#start(url)
  }

  end(): void {
    this.#cancel()
    this.#url = ''
    this.#selected = null
    this.#ready = false
    this.#failures = 0
    this.#backoff.reset()
    this.#offer([])
  }

  /** The size of the video on screen: its shorter side, device pixels. */
  shown(height: number): void {
    this.#height = height
    if (!this.#hidden) this.#schedule(SETTLE_MS)
  }

  hidden(hidden: boolean): void {
    if (hidden === this.#hidden) return
    this.#hidden = hidden
    this.#schedule(0)
  }

  choose(quality: Quality): void {
    this.quality = quality
    this.#schedule(0)
  }

  /** The host is back, maybe with other layers. */
  hostReturned(): void {
    const url = this.#url
    if (!url) return
    this.world.timers.after(this.world.random() * SPREAD_MS, () => {
      if (url === this.#url) void this.refresh()
    })
  }

  /** Fetch the layers again. */
  async refresh(): Promise<void> {
    const url = this.#url
    if (!url) return
    const layers = await this.#fetch(url)
    if (url !== this.#url || !layers) return
    this.#offer(choicesOf(layers))
    this.#schedule(0)
  }

  /** The layers decide what a remembered quality means, so they are fetched before the first selection. */
  async #start(url: string): Promise<void> {
    await this.refresh()
    if (url !== this.#url) return
    this.#ready = true
    this.#schedule(0)
  }

  async #fetch(url: string): Promise<Layer[] | null> {
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

  #schedule(wait_ms: number): void {
    if (!this.#url || !this.#ready) return
    this.#cancel()
    if (wait_ms === 0) void this.#post()
    else this.#cancel = this.world.timers.after(wait_ms, () => void this.#post())
  }

  async #post(): Promise<void> {
    const url = this.#url
    const wanted = {
      mediaId: 'video',
      encodingId: encodingOf(this.quality, this.#choices),
      maxHeight: this.#hidden ? HIDDEN_HEIGHT : this.#height,
    }
    // Until the video has been laid out there is nothing to select: `shown` follows.
    if (this.#sending || wanted.maxHeight === 0 || !this.#hasChanged(wanted)) return
    this.#sending = true
    const failure = await this.#send(url, wanted)
    this.#sending = false
    if (url !== this.#url) return void this.#postPending()
    if (failure === null) {
      this.#failures = 0
      this.#backoff.reset()
      this.#selected = wanted
      return void this.#postPending()
    }
    this.#failures += 1
    if (failure.final || this.#failures >= ATTEMPTS_MAX) return
    this.#cancel()
    this.#cancel = this.world.timers.after(
      this.#backoff.next(failure.retry_after_ms),
      () => void this.#post(),
    )
  }

  /** Send what changed while a request was in flight. */
  #postPending(): void {
    if (this.#url && this.#ready) void this.#post()
  }

  #hasChanged(wanted: { encodingId: string | null; maxHeight: number }): boolean {
    const selected = this.#selected
    if (!selected || selected.encodingId !== wanted.encodingId) return true
    return Math.abs(wanted.maxHeight - selected.maxHeight) > selected.maxHeight * CHANGE_RATIO_MIN
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
