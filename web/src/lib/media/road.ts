/**
 * Chooses the road by which the page plays a live: WebRTC, and LL-HLS where WebRTC does not come through. WebRTC goes on
 * trying meanwhile and takes over again with its first frame.
 */
import type { Timers } from '../base/timers'
import type { HlsPhase } from './hls-player'
import type { PlayerPhase } from './player'

/** So long without a frame by WebRTC, and the other road is prepared, ms. */
export const PREPARE_HLS_MS = 2_000
/** So long, and it is taken, ms. */
export const HLS_AFTER_MS = 4_000

export type Road = 'webrtc' | 'hls'
/** What the stage shows; `webrtc_only`: the network blocks WebRTC, and the live cannot be had otherwise. */
export type StagePhase = Exclude<PlayerPhase, 'no_webrtc'> | 'webrtc_only'

interface RoadWorld {
  timers: Timers
  /** Load what HLS needs; may be called several times. */
  prepareHls: () => void
  /** Play by this road from now on, and no longer by the other. */
  take: (road: Road) => void
}

/** Phases in which WebRTC still may come. */
const WAITING = new Set<PlayerPhase>(['connecting', 'lost'])
/** Phases in which it will not come soon. */
const FAILED = new Set<PlayerPhase>(['blocked', 'unsupported', 'no_webrtc'])

export class RoadSelector {
  #road: Road = 'webrtc'
  #webrtc: PlayerPhase = 'idle'
  #held = false
  #waits = false
  /** ICE has connected since the wait began. */
  #reached = false
  #cancel: () => void = () => undefined

  constructor(private readonly world: RoadWorld) {}

  get road(): Road {
    return this.#road
  }

  /** WebRTC has come to this phase. */
  webrtc(phase: PlayerPhase): void {
    this.#webrtc = phase
    if (FAILED.has(phase)) this.#takeHls()
    else if (!WAITING.has(phase)) {
      this.#stopWaiting()
      this.#take('webrtc')
    } else this.#wait()
  }

  /**
   * ICE is connected: UDP passes, and what is missing is time. The wait begins anew, once, so that on a slow link the player
   * of the other road does not compete with the first frame.
   */
  iceConnected(): void {
    if (!this.#waits || this.#reached) return
    this.#stopWaiting()
    this.#wait()
    this.#reached = true
  }

  /** While the host is away no road brings frames. */
  hold(held: boolean): void {
    this.#held = held
    if (held) this.#stopWaiting()
    else if (WAITING.has(this.#webrtc)) this.#wait()
  }

  #wait(): void {
    if (this.#waits || this.#held || this.#road === 'hls') return
    this.#waits = true
    this.#reached = false
    const { timers } = this.world
    this.#cancel = timers.after(PREPARE_HLS_MS, () => {
      this.world.prepareHls()
      this.#cancel = timers.after(HLS_AFTER_MS - PREPARE_HLS_MS, () => this.#takeHls())
    })
  }

  #stopWaiting(): void {
    this.#waits = false
    this.#cancel()
  }

  #takeHls(): void {
    this.#stopWaiting()
    this.#take('hls')
  }

  #take(road: Road): void {
    if (road === this.#road) return
    this.#road = road
    this.world.take(road)
  }
}

/** What the stage shows by the phases of both roads. */
export function stagePhase(road: Road, webrtc: PlayerPhase, hls: HlsPhase): StagePhase {
  const own = webrtc === 'no_webrtc' ? 'unsupported' : webrtc
  if (road === 'webrtc') return own
  switch (hls) {
    case 'playing':
    case 'not_live':
    case 'lost':
      return hls
    case 'no_hls':
      return webrtc === 'blocked' ? 'webrtc_only' : own
    case 'unsupported':
      return own
    default:
      return 'connecting'
  }
}
