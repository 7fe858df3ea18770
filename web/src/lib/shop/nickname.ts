/**
 * Nicknames, judged as people see them, by the rules of commerce/people/nicknames.py. tests/vectors/nicknames.json
 * binds both.
 */

const CLUSTERS_MAX = 24
const CODE_POINTS_MAX = 64
const MARKS_MAX = 6

const SPACES = /[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+/gu
const AROUND = /^[ \t\r\n\ufeff]+|[ \t\r\n\ufeff]+$/gu
/** Controls, direction overrides, invisible fillers, surrogates, private use, noncharacters. */
const REFUSED =
  /^[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\u{13430}-\u{13440}\u{1bca0}-\u{1bca3}\u{1d159}\u{1d173}-\u{1d17a}\u{e0000}-\u{10ffff}]/u
const EMOJI =
  /^[#*0-9\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\u{1f000}-\u{1faff}\u{1fc00}-\u{1fffd}]/u
const EMOJI_STYLE = /^[\ufe0e\ufe0f]/u
const SKIN = /^[\u{1f3fb}-\u{1f3ff}]/u
const REGION = /^[\u{1f1e6}-\u{1f1ff}]/u
const FLAG_TAGS = /^[\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{2,6}\u{e007f}/u
const BLACK_FLAG = '\u{1f3f4}'
const HAN = /^[\u3400-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}]/u
const HAN_STYLE = /^[\ufe00-\ufe02\u{e0100}-\u{e01ef}]/u
/** Scripts whose letters change with joiners: Arabic to Sinhala, Khmer, Mongolian. */
const JOINING = /^[\u0600-\u0dff\u1780-\u18af]/u
const MARK = /^\p{M}/u
const ZWNJ = '\u200c'
const ZWJ = '\u200d'

export type NicknameProblem = 'empty' | 'too-long' | 'character'
export type Judged = { nickname: string } | { problem: NicknameProblem; character?: string }

/** What was typed as a nickname (composed, trimmed, with single spaces), or why it is refused. */
export function judgeNickname(typed: string): Judged {
  const nickname = typed.normalize('NFC').replace(AROUND, '').replace(SPACES, ' ').replace(AROUND, '')
  if (!nickname) return { problem: 'empty' }
  const points = [...nickname]
  const clusters = new Clusters()
  for (let at = 0; at < points.length;) {
    const length = clusters.take(points, at)
    if (!length) return { problem: 'character', character: codePoint(points[at] ?? '') }
    at += length
  }
  if (clusters.count > CLUSTERS_MAX || points.length > CODE_POINTS_MAX) return { problem: 'too-long' }
  return { nickname }
}

function codePoint(symbol: string): string {
  return `U+${(symbol.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

/** The clusters of a text so far, and the state of the last one. */
class Clusters {
  count = 0
  #base = ''
  #marks = 0
  #isJoined = false
  #hasOpenRegion = false

  /** Take the code points at `at`: how many, 0 for one that is refused. */
  take(points: string[], at: number): number {
    const char = points[at] ?? ''
    const before = points[at - 1] ?? ''
    const tags = before === BLACK_FLAG ? FLAG_TAGS.exec(points.slice(at).join('')) : null
    if (tags) return [...tags[0]].length
    if (char === ZWJ || char === ZWNJ) return this.#join(char, before, points[at + 1] ?? '')
    if (EMOJI_STYLE.test(char)) return Number(EMOJI.test(this.#base))
    if (HAN_STYLE.test(char)) return Number(HAN.test(this.#base))
    if (REFUSED.test(char) || ((char.codePointAt(0) ?? 0) & 0xfffe) === 0xfffe) return 0
    if (MARK.test(char)) {
      this.#marks += 1
      return Number(this.#base !== '' && this.#marks <= MARKS_MAX)
    }
    if (!SKIN.test(char) || !EMOJI.test(this.#base)) this.#begin(char)
    return 1
  }

  #join(char: string, before: string, after: string): number {
    if (char === ZWJ && EMOJI.test(this.#base) && EMOJI.test(after)) {
      this.#isJoined = true
      return 1
    }
    return Number(JOINING.test(before) && JOINING.test(after))
  }

  #begin(char: string): void {
    const isRegion = REGION.test(char)
    const continues = this.#isJoined || (isRegion && this.#hasOpenRegion)
    this.#hasOpenRegion = isRegion && !continues
    this.#isJoined = false
    if (!continues) this.count += 1
    this.#base = char === ' ' ? '' : char
    this.#marks = 0
  }
}
