export const zh = {
  warehouses: {
    title: '中心仓',
    explanation: '货先到这里，再配到各门店。',
    add: '新增仓库',
  },
}
