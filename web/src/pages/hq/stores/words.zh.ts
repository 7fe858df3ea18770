export const zh = {
  stores: {
    title: '门店',
    explanation: '货在这里，也在这里取。',
    search: '名称、地址或编号',
    estates: '服务小区',
    add: '新增门店',
  },
}
