/** The words of after-sales in the head office, in Chinese. */

export const zh = {
  aftersales: {
    page: '售后与评价',
    explanation: '小额问题自动退款；其他的按金额由团长、门店或总部处理，超时转到这里。',
    faults: '30 天内的问题',
    fault_line: '{claims} 次，同意 {approved} 次，退款 {price}',
    no_faults: '30 天内没有售后。',
    ratings: '评价',
    only_held: '只看待审核',
    held: '待审核',
    hidden: '已隐藏',
    hide: '隐藏',
    show: '显示',
    no_ratings: '没有评价。',
    not_changed: '没有成功，请再试一次。',
  },
}
