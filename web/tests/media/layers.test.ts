import { beforeEach, describe, expect, it } from 'vitest'
import {
  type Choice,
  type Layer,
  LayerSelector,
  SETTLE_MS,
  choicesOf,
  layersOf,
  qualityOf,
  shownHeight,
} from '../../src/lib/media/layers'
import { VirtualTime } from '../support/virtual-time'

const URL = '/live/demo/whep/s1/layer'
const layer = (encodingId: string, height: number): Layer => ({
  encodingId,
  width: (height * 16) / 9,
  height,
  bitrate: height * 2_000,
  active: true,
})
const THREE = [layer('l', 180), layer('m', 360), layer('h', 720)]

let time: VirtualTime
let posted: { url: string; body: unknown }[]
let gets: number
let layers: Layer[] | null
let answer: () => Response
let choices: Choice[]
let desk: LayerSelector
const bodies = () => posted.map((one) => one.body)

beforeEach(() => {
  time = new VirtualTime()
  posted = []
  gets = 0
  layers = THREE
  choices = []
  answer = () => new Response(null, { status: 204 })
  desk = makeDesk()
})

function makeDesk(quality: 'auto' | 'smooth' | 'standard' | 'high' = 'auto'): LayerSelector {
  return new LayerSelector(quality, {
    async fetch(url, init) {
      if (init?.method !== 'POST') {
        gets += 1
        if (!layers) return new Response('{}', { status: 503 })
        return new Response(JSON.stringify({ layers, current: 'm', chosen: null }))
      }
      posted.push({ url, body: JSON.parse(String(init.body)) })
      return answer()
    },
    timers: time,
    random: () => 0.5,
    onChoices: (next) => (choices = next),
  })
}

describe('choicesOf', () => {
  it('starts with automatic, then large to small', () => {
    const words = (list: Layer[]) =>
      choicesOf(list).map((one) => `${one.quality} ${one.encodingId} ${one.height}`)
    expect(words(THREE)).toEqual(['auto null 0', 'high h 720', 'standard m 360', 'smooth l 180'])
    expect(words(THREE.slice(0, 2))).toEqual(['auto null 0', 'high m 360', 'smooth l 180'])
    expect(words([layer('a', 90), ...THREE])).toEqual([
      'auto null 0',
      'high h 720',
      'standard m 360',
      'smooth a 90',
    ])
  })

  it('is empty for a single layer', () => {
    expect(choicesOf([])).toEqual([])
    expect(choicesOf([layer('h', 720)])).toEqual([])
  })

  it('takes the shorter side of portrait video as height', () => {
    const portrait = THREE.map((one) => ({ ...one, width: one.height, height: one.width }))
    expect(choicesOf(portrait)[1]?.height).toBe(720)
  })

  it('ignores invalid layers', () => {
    for (const broken of [null, 1, [], {}, { layers: 1 }, { layers: [null, 1, {}, { encodingId: 3 }] }])
      expect(layersOf(broken)).toEqual([])
    expect(layersOf({ layers: [{ encodingId: 'l' }] })).toEqual([
      { encodingId: 'l', width: 0, height: 0, bitrate: 0, active: true },
    ])
    expect(qualityOf('high')).toBe('high')
    for (const other of [null, '', 'auto', 'ultra']) expect(qualityOf(other)).toBe('auto')
  })
})

describe('shownHeight', () => {
  const wide = { width: 1280, height: 720 }
  it('is the shorter side on screen, in device pixels', () => {
    expect(shownHeight({ width: 360, height: 203 }, wide, 'contain', 3)).toBe(608)
    expect(shownHeight({ width: 360, height: 740 }, { width: 720, height: 1280 }, 'cover', 2)).toBe(833)
    expect(shownHeight({ width: 900, height: 900 }, wide, 'contain', 1)).toBe(506)
    expect(shownHeight({ width: 900, height: 900 }, wide, 'cover', 1)).toBe(900)
  })

  it('is 0 before the video has a size', () => {
    expect(shownHeight({ width: 0, height: 0 }, wide, 'cover', 1)).toBe(0)
    expect(shownHeight({ width: 1, height: 1 }, { width: 0, height: 0 }, 'cover', 1)).toBe(0)
  })
})

describe('LayerSelector', () => {
  it('posts the size on screen once', async () => {
    desk.shown(608)
    await time.pass(10_000)
    expect(posted).toEqual([])
    desk.begin(URL)
    await time.pass(10_000)
    expect(posted).toEqual([{ url: URL, body: { mediaId: 'video', encodingId: null, maxHeight: 608 } }])
    expect(gets).toBe(1)
  })

  it('waits until the video has a size', async () => {
    desk.begin(URL)
    await time.pass(10_000)
    expect(posted).toEqual([])
    desk.shown(405)
    await time.pass(SETTLE_MS + 10)
    expect(posted).toHaveLength(1)
  })

  it('sends nothing and offers no choices without layers', async () => {
    desk.shown(608)
    desk.begin('')
    desk.hidden(true)
    desk.choose('high')
    await time.pass(10_000)
    expect(posted).toEqual([])
    expect(gets).toBe(0)
    expect(choices).toEqual([])
  })

  it('posts a change of more than a fifth once it rests', async () => {
    desk.shown(600)
    desk.begin(URL)
    await time.pass(10)
    desk.shown(700)
    await time.pass(1_000)
    desk.shown(500)
    await time.pass(SETTLE_MS - 100)
    desk.shown(1_000)
    await time.pass(SETTLE_MS - 100)
    expect(posted).toHaveLength(1)
    await time.pass(200)
    expect(bodies().at(-1)).toMatchObject({ maxHeight: 1_000 })
    expect(posted).toHaveLength(2)
  })

  it('posts at once when the page is hidden or seen again', async () => {
    desk.shown(600)
    desk.begin(URL)
    await time.pass(10)
    desk.hidden(true)
    await time.pass(10)
    desk.shown(1_200)
    await time.pass(1_000)
    desk.hidden(false)
    await time.pass(10)
    expect(bodies().map((body) => (body as { maxHeight: number }).maxHeight)).toEqual([600, 180, 1_200])
  })

  it('posts again for a new session', async () => {
    desk.shown(600)
    desk.begin(URL)
    await time.pass(10)
    desk.end()
    expect(choices).toEqual([])
    desk.begin('/live/demo/whep/s2/layer')
    await time.pass(10)
    expect(posted.map((one) => one.url)).toEqual([URL, '/live/demo/whep/s2/layer'])
  })
})

describe('a chosen quality', () => {
  it('is posted at once, and automatic as null', async () => {
    desk.shown(600)
    desk.begin(URL)
    await time.pass(10)
    desk.choose('smooth')
    await time.pass(10)
    desk.choose('auto')
    await time.pass(10)
    expect(bodies().map((body) => (body as { encodingId: unknown }).encodingId)).toEqual([null, 'l', null])
  })

  it('is in the first request when remembered', async () => {
    desk = makeDesk('high')
    desk.shown(600)
    desk.begin(URL)
    await time.pass(10_000)
    expect(bodies()).toEqual([{ mediaId: 'video', encodingId: 'h', maxHeight: 600 }])
  })

  it('is automatic while the live lacks it', async () => {
    layers = [layer('h', 720)]
    desk = makeDesk('smooth')
    desk.shown(600)
    desk.begin(URL)
    await time.pass(10)
    expect(bodies()).toEqual([{ mediaId: 'video', encodingId: null, maxHeight: 600 }])
    layers = THREE
    desk.hostReturned()
    await time.pass(5_000)
    expect(bodies().at(-1)).toMatchObject({ encodingId: 'l' })
    expect(choices).toHaveLength(4)
  })

  it('is posted after the request in flight', async () => {
    desk.shown(600)
    desk.begin(URL)
    answer = () => {
      answer = () => new Response(null, { status: 204 })
      desk.choose('high')
      return new Response(null, { status: 204 })
    }
    await time.pass(10)
    expect(bodies().at(-1)).toMatchObject({ encodingId: 'h' })
    expect(posted).toHaveLength(2)
  })
})

describe('a failed request', () => {
  it('is retried a few times', async () => {
    layers = null
    answer = () => new Response('{}', { status: 503 })
    desk.shown(600)
    desk.begin(URL)
    await time.pass(200_000)
    expect(posted).toHaveLength(5)
    answer = () => new Response(null, { status: 204 })
    desk.shown(900)
    await time.pass(1_000)
    expect(posted).toHaveLength(6)
  })

  it('is not retried after a refusal', async () => {
    answer = () => new Response('{}', { status: 404 })
    desk.shown(600)
    desk.begin(URL)
    await time.pass(200_000)
    expect(posted).toHaveLength(1)
  })
})
