export const zh = {
  stores: {
    title: '门店',
    explanation: '货在这里，也在这里取。',
    search: '名称、地址或编号',
    estates: '服务小区',
    add: '新增门店',
    packers: '备货人手',
    counted: '按人手和时段接单',
    uncounted_hint: '不限：随时接单，不承诺时段。',
    rate: '每人每小时备好几单',
    makes: '每半小时接 {n} 单，排满就顺延或转给邻近门店。',
    delivers: '可送到家',
  },
}
