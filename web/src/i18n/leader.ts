/** All words of the leader's page. */
import { en as afterEn } from './after-sale.en'
import { zh as afterZh } from './after-sale.zh'
import { en as claimsEn } from './claims.en'
import { zh as claimsZh } from './claims.zh'
import { en as commonEn } from './common.en'
import { zh as commonZh } from './common.zh'
import type { PageWords } from './index'
import { en as cardsEn } from './note-cards.en'
import { zh as cardsZh } from './note-cards.zh'
import { en } from './leader.en'
import { zh } from './leader.zh'
import { en as staffEn } from './staff.en'
import { zh as staffZh } from './staff.zh'

export const words = {
  zh: { ...commonZh, ...afterZh, ...claimsZh, ...cardsZh, ...staffZh, ...zh },
  en: { ...commonEn, ...afterEn, ...claimsEn, ...cardsEn, ...staffEn, ...en },
} satisfies PageWords
