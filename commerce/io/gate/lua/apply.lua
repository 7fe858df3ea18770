-- Adds units to the gate that the record has more of: stock received, or an order released.
-- Each change has an id and is applied once.
--
-- KEYS  1 applied:{change}  2 available  3 settled
--       of an order also: 4 seats:{group}  5… bought:{household}:{product} of its lines
-- ARGV  1 ms to remember the change  2 household or ''  3 order or ''  4 number of rows
--       then two per row: product|store  units; then the units of each line
-- Gives 1, or 0 if it was applied before.

if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return 0 end
local rows = tonumber(ARGV[4])
for row = 1, rows do
  local product_store, units = ARGV[3 + row * 2], ARGV[4 + row * 2]
  redis.call('HINCRBY', KEYS[2], product_store, units)
  redis.call('HINCRBY', KEYS[3], product_store, 1)
end
if ARGV[2] ~= '' then
  if redis.call('HGET', KEYS[4], ARGV[2]) == ARGV[3] then redis.call('HDEL', KEYS[4], ARGV[2]) end
  for line = 1, #KEYS - 4 do
    local key, units = KEYS[4 + line], ARGV[4 + rows * 2 + line]
    local bought = tonumber(redis.call('GET', key) or '0')
    if bought > tonumber(units) then
      redis.call('DECRBY', key, units)
    elseif bought > 0 then
      redis.call('DEL', key)
    end
  end
end
return 1
