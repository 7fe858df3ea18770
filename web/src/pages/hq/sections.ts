/**
 * The sections of the head office page, in the order of its side navigation: the only list of them.
 *
 * To add one, make a folder `pages/hq/<id>/` with a `section.ts`
 *
 *     export default { page: Products, words: { zh, en } } satisfies Section
 *
 * and an entry here. The address is `/hq#/<id>`; what follows a further `/` is the page's property `rest`
 * (`#/products/spinach` → `spinach`). The folder is loaded when the section is first opened, with its words, whose top
 * key is the section's id (`t('products.title')`). A page begins with `PageHeader`, which holds the page's only h1.
 *
 * What sections share:
 * - `use/use-hq.ts`        the HTTP interface with the log-in: `const { api } = useHq()`
 * - `lib/hq/list.ts`       `new Resource<Row, Draft>(api, '/api/hq/estates')`: list, get, create, update with its version
 * - `use/use-list.ts`      the state of one list: search, order, page, loading and failure
 * - `parts/hq/ServerTable` shows it; a slot `cell-<key>` per column that is not plain text, `actions` for the last one
 * - `use/use-editor.ts`     a form that adds or edits a row: its draft, and what of it is sent
 * - `parts/hq/WordsFields`, `PinFields`, `OpeningHours`, `PlaceMap`: fields of places
 * - `parts/hq/FormDialog`  a form that saves; marks the field that a 422 names (`member`), explains 412 (edited elsewhere)
 * - `parts/hq/PageHeader`  title, explanation and the page's buttons
 * - `parts/hq/element.ts`  the components of Element Plus with their styles; add to it what is missing
 *
 * On the server, `server/http/hq/` has a module per subject, listed in its `registry.py`.
 */
import type { Component } from 'vue'
import type { LocalText } from '../../lib/base/wire'
import type { PageWords } from '../../i18n'

export interface Section {
  page: Component<{ rest: string }>
  words: PageWords
}
export type Group = 'insight' | 'orders' | 'places' | 'goods' | 'people' | 'money' | 'brand'
export interface Entry {
  id: string
  group: Group
  title: LocalText
  load: () => Promise<{ default: Section }>
}

/** The groups of the navigation, in its order. */
export const GROUPS: Record<Group, LocalText> = {
  insight: { zh: '经营', en: 'Insight' },
  orders: { zh: '订单', en: 'Orders' },
  places: { zh: '小区与门店', en: 'Places' },
  goods: { zh: '商品', en: 'Goods' },
  people: { zh: '人员', en: 'People' },
  money: { zh: '售后与账目', en: 'Money' },
  brand: { zh: '品牌', en: 'Brand' },
}

export const SECTIONS: Entry[] = [
  {
    id: 'wall',
    group: 'insight',
    title: { zh: '实时看板', en: 'Wall' },
    load: () => import('./wall/section'),
  },
  {
    id: 'kpi',
    group: 'insight',
    title: { zh: '经营指标', en: 'Key figures' },
    load: () => import('./kpi/section'),
  },
  {
    id: 'orders',
    group: 'orders',
    title: { zh: '订单', en: 'Orders' },
    load: () => import('./orders/section'),
  },
  {
    id: 'capacity',
    group: 'orders',
    title: { zh: '时段与人手', en: 'Windows and packers' },
    load: () => import('./capacity/section'),
  },
  {
    id: 'estates',
    group: 'places',
    title: { zh: '小区', en: 'Estates' },
    load: () => import('./estates/section'),
  },
  {
    id: 'stores',
    group: 'places',
    title: { zh: '门店', en: 'Stores' },
    load: () => import('./stores/section'),
  },
  {
    id: 'cities',
    group: 'places',
    title: { zh: '城市', en: 'Cities' },
    load: () => import('./cities/section'),
  },
  {
    id: 'warehouses',
    group: 'places',
    title: { zh: '中心仓', en: 'Warehouses' },
    load: () => import('./warehouses/section'),
  },
  {
    id: 'map',
    group: 'places',
    title: { zh: '地图', en: 'Map' },
    load: () => import('./map/section'),
  },
  {
    id: 'schedule',
    group: 'places',
    title: { zh: '直播排期', en: 'Schedule of lives' },
    load: () => import('./schedule/section'),
  },
  {
    id: 'products',
    group: 'goods',
    title: { zh: '商品', en: 'Products' },
    load: () => import('./products/section'),
  },
  {
    id: 'categories',
    group: 'goods',
    title: { zh: '品类', en: 'Categories' },
    load: () => import('./categories/section'),
  },
  {
    id: 'prices',
    group: 'goods',
    title: { zh: '价格规则', en: 'Prices' },
    load: () => import('./prices/section'),
  },
  {
    id: 'assortment',
    group: 'goods',
    title: { zh: '供应范围', en: 'Assortment' },
    load: () => import('./assortment/section'),
  },
  {
    id: 'campaigns',
    group: 'goods',
    title: { zh: '优惠券', en: 'Coupons' },
    load: () => import('./campaigns/section'),
  },
  {
    id: 'presales',
    group: 'goods',
    title: { zh: '预售', en: 'Presales' },
    load: () => import('./presales/section'),
  },
  {
    id: 'files',
    group: 'goods',
    title: { zh: '导入导出', en: 'Import and export' },
    load: () => import('./files/section'),
  },
  {
    id: 'staff',
    group: 'people',
    title: { zh: '员工', en: 'Staff' },
    load: () => import('./staff/section'),
  },
  {
    id: 'commission',
    group: 'people',
    title: { zh: '团长佣金', en: 'Commission' },
    load: () => import('./commission/section'),
  },
  {
    id: 'aftersales',
    group: 'money',
    title: { zh: '售后与评价', en: 'After-sales' },
    load: () => import('./aftersales/section'),
  },
  {
    id: 'invites',
    group: 'money',
    title: { zh: '未计入的邀请', en: 'Invites not counted' },
    load: () => import('./invites/section'),
  },
  {
    id: 'refunds',
    group: 'money',
    title: { zh: '退款', en: 'Refunds' },
    load: () => import('./refunds/section'),
  },
  {
    id: 'books',
    group: 'money',
    title: { zh: '账簿', en: 'Books' },
    load: () => import('./books/section'),
  },
  {
    id: 'security',
    group: 'people',
    title: { zh: '登录安全', en: 'Log-in security' },
    load: () => import('./security/section'),
  },
  {
    id: 'brand',
    group: 'brand',
    title: { zh: '品牌设置', en: 'Brand settings' },
    load: () => import('./brand/section'),
  },
  {
    id: 'audit',
    group: 'brand',
    title: { zh: '操作记录', en: 'Audit trail' },
    load: () => import('./audit/section'),
  },
]
