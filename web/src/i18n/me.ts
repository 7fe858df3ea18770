/** All words of the guest's own page. */
import { en as afterEn } from './after-sale.en'
import { zh as afterZh } from './after-sale.zh'
import { en as commonEn } from './common.en'
import { zh as commonZh } from './common.zh'
import { en as householdEn } from './household.en'
import { zh as householdZh } from './household.zh'
import type { PageWords } from './index'
import { en } from './me.en'
import { zh } from './me.zh'

export const words = {
  zh: { ...commonZh, ...afterZh, ...householdZh, ...zh },
  en: { ...commonEn, ...afterEn, ...householdEn, ...en },
} satisfies PageWords
