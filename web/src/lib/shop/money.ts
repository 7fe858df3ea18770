/** Money as text. Amounts are integer fen (1/100 yuan); no arithmetic on floats leaves this file. */
import type { Fen } from '../base/wire'
import type { Locale } from '../base/locale'

const FORMATS = new Map<Locale, Intl.NumberFormat>()

/** `990` → `¥9.90`, in either language. */
export function money(fen: Fen, locale: Locale): string {
  let format = FORMATS.get(locale)
  if (!format) {
    format = new Intl.NumberFormat(locale === 'zh' ? 'zh-CN' : 'en-CN', {
      style: 'currency',
      currency: 'CNY',
      currencyDisplay: 'narrowSymbol',
    })
    FORMATS.set(locale, format)
  }
  return format.format(fen / 100)
}

/** What `money` writes as symbol, whole part and fraction, for type of different sizes. */
export function moneyParts(fen: Fen): { symbol: string; whole: string; fraction: string } {
  const [whole = '', fraction = ''] = money(fen, 'zh').replace('¥', '').split('.')
  return { symbol: '¥', whole, fraction }
}
