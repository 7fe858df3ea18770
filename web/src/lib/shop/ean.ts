/**
 * Reads EAN-13 (and UPC-A) bar codes from rows of brightness, where the browser has no detector for them.
 * The symbol is 95 modules: a guard, six digits, a middle guard, six digits, a guard (GS1 General Specifications 5.2.1).
 */

/** Modules of bars and spaces of each digit, left and odd; the right ones have the same widths. */
const WIDTHS = ['3211', '2221', '2122', '1411', '1132', '1231', '1114', '1312', '1213', '3112'].map(
  (widths) => [...widths].map(Number),
)
/** The first digit by which of the left ones are mirrored (even). */
const PARITIES = [
  'OOOOOO',
  'OOEOEE',
  'OOEEOE',
  'OOEEEO',
  'OEOOEE',
  'OEEOOE',
  'OEEEOO',
  'OEOEOE',
  'OEOEEO',
  'OEEOEO',
]
const RUNS = 59
const MODULES = 95
const DIGIT_RUNS = 4
const DIGIT_MODULES = 7
const DIGITS = 6
const LEFT = 3
const RIGHT = LEFT + DIGITS * DIGIT_RUNS + 5
/** How far a bar may be from its width, in modules. */
const OFF_MAX = 0.6
/** Light beside the symbol, in modules. */
const QUIET_MIN = 4

/** The code in one row of brightness (0 to 255), in either direction, null when there is none. */
export function readEan(row: ArrayLike<number>): string | null {
  const runs = runsOf(row)
  return find(runs) ?? find([...runs].reverse())
}

/** Lengths of light and dark runs, the first of them light (it may have no length). */
function runsOf(row: ArrayLike<number>): number[] {
  let [least, most] = [255, 0]
  for (let x = 0; x < row.length; x++) {
    least = Math.min(least, row[x]!)
    most = Math.max(most, row[x]!)
  }
  if (most - least < 40) return []
  const middle = (least + most) / 2
  const runs = [0]
  let dark = false
  for (let x = 0; x < row.length; x++) {
    if (row[x]! < middle !== dark) {
      dark = !dark
      runs.push(0)
    }
    runs[runs.length - 1]! += 1
  }
  // From light to light, so that the reversed row begins with light, too.
  if (dark) runs.push(0)
  return runs
}

function find(runs: number[]): string | null {
  for (let first = 1; first + RUNS < runs.length; first += 2) {
    const symbol = runs.slice(first, first + RUNS)
    const module = symbol.reduce((sum, run) => sum + run, 0) / MODULES
    if (runs[first - 1]! < QUIET_MIN * module || runs[first + RUNS]! < QUIET_MIN * module) continue
    const code = decode(symbol, module)
    if (code) return code
  }
  return null
}

function decode(runs: number[], module: number): string | null {
  const guards = [...runs.slice(0, LEFT), ...runs.slice(RIGHT - 5, RIGHT), ...runs.slice(-LEFT)]
  if (guards.some((run) => Math.abs(run / module - 1) > OFF_MAX)) return null
  let [parity, digits] = ['', '']
  for (let n = 0; n < DIGITS; n++) {
    const own = runs.slice(LEFT + n * DIGIT_RUNS, LEFT + (n + 1) * DIGIT_RUNS)
    const odd = nearest(own)
    const even = nearest([...own].reverse())
    const best = even && (!odd || even.off < odd.off) ? even : odd
    if (!best) return null
    parity += best === odd ? 'O' : 'E'
    digits += best.digit
  }
  const first = PARITIES.indexOf(parity)
  if (first < 0) return null
  for (let n = 0; n < DIGITS; n++) {
    const found = nearest(runs.slice(RIGHT + n * DIGIT_RUNS, RIGHT + (n + 1) * DIGIT_RUNS))
    if (!found) return null
    digits += found.digit
  }
  const code = `${first}${digits}`
  return isEan(code) ? code : null
}

/** The digit whose widths are nearest and how far they are off, null when none is near. */
function nearest(runs: number[]): { digit: number; off: number } | null {
  const module = runs.reduce((sum, run) => sum + run, 0) / DIGIT_MODULES
  const offs = WIDTHS.map((widths) =>
    Math.max(...widths.map((width, n) => Math.abs(runs[n]! / module - width))),
  )
  const off = Math.min(...offs)
  return off <= OFF_MAX ? { digit: offs.indexOf(off), off } : null
}

/** Whether 13 digits end with their check digit. */
export function isEan(code: string): boolean {
  if (!/^\d{13}$/.test(code)) return false
  const sum = [...code].reduce((all, digit, n) => all + Number(digit) * (n % 2 ? 3 : 1), 0)
  return sum % 10 === 0
}
