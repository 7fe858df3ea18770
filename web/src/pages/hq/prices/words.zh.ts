export const zh = {
  prices: {
    title: '价格规则',
    explanation: '范围小的盖过范围大的；同一范围里后开始的盖过先开始的，结束后自动恢复。',
    add: '添加价格',
  },
}
