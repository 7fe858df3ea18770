-- Adds units to the gate that the record has more of: stock received, or an order released.
-- Each change has an id and is applied once.
--
-- KEYS  1 applied:{change}  2 available  3 settled  4 seats:{group}  5 bought:{household}:{product}
-- ARGV  1 product|store  2 units  3 household or ''  4 order or ''  5 ms to remember the change
-- Gives 1, or 0 if it was applied before.

if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[5]) then return 0 end
redis.call('HINCRBY', KEYS[2], ARGV[1], ARGV[2])
redis.call('HINCRBY', KEYS[3], ARGV[1], 1)
if ARGV[3] ~= '' then
  if redis.call('HGET', KEYS[4], ARGV[3]) == ARGV[4] then redis.call('HDEL', KEYS[4], ARGV[3]) end
  local bought = tonumber(redis.call('GET', KEYS[5]) or '0')
  if bought > tonumber(ARGV[2]) then
    redis.call('DECRBY', KEYS[5], ARGV[2])
  elseif bought > 0 then
    redis.call('DEL', KEYS[5])
  end
end
return 1
