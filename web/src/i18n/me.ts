/** All words of the guest's own page. */
import { en as afterEn } from './after-sale.en'
import { zh as afterZh } from './after-sale.zh'
import { en as commonEn } from './common.en'
import { zh as commonZh } from './common.zh'
import type { PageWords } from './index'
import { en } from './me.en'
import { zh } from './me.zh'

export const words = {
  zh: { ...commonZh, ...afterZh, ...zh },
  en: { ...commonEn, ...afterEn, ...en },
} satisfies PageWords
