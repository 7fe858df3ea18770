import { expect, it } from 'vitest'
import { daysText, factsOf, netText, storageText } from '../../src/lib/base/food'

it('writes net contents as a label does', () => {
  expect(netText({ amount: 500, unit: 'g' }).en).toBe('500 g')
  expect(netText({ amount: 1500, unit: 'g' }).en).toBe('1.5 kg')
  expect(netText({ amount: 2000, unit: 'ml' }).zh).toBe('2 L')
  expect(netText({ amount: 1, unit: 'piece' })).toEqual({ zh: '1 件', en: '1 piece' })
})

it('writes storage with its temperature', () => {
  expect(storageText({ kind: 'ambient', min_c: null, max_c: null }).zh).toBe('常温')
  expect(storageText({ kind: 'chilled', min_c: 0, max_c: 4 }).en).toBe('Keep chilled 0–4 °C')
  expect(storageText({ kind: 'frozen', min_c: null, max_c: -18 }).zh).toBe('冷冻 −18 °C 以下')
})

it('writes a long shelf life in months', () => {
  expect(daysText(7).zh).toBe('7 天')
  expect(daysText(540).en).toBe('18 months')
})

it('leaves out what nobody has stated', () => {
  const nothing = {
    ingredients: null,
    allergens: [],
    shelf_life_days: null,
    storage: null,
    net: null,
    origin: null,
  }
  expect(factsOf(nothing, null)).toEqual([])
  const origin = { zh: '杭州', en: 'Hangzhou' }
  expect(factsOf({ ...nothing, origin }, null).map((fact) => fact.key)).toEqual(['origin'])
})
