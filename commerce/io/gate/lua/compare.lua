-- Compares the gate with the record, row by row, where both have counted the same moves, and
-- repairs what differs. Rows where the gate has counted fewer moves are left alone.
--
-- KEYS  1 epoch  2 available  3 held  4 settled
-- ARGV  three per row: product|store  on_hand - sold  moves
-- Gives {rows compared, rows repaired, units of drift, rows behind}.

if redis.call('EXISTS', KEYS[1]) == 0 then return {0, 0, 0, 0} end
local compared, repaired, drift, behind = 0, 0, 0, 0
for index = 1, #ARGV, 3 do
  local row, free, moves = ARGV[index], tonumber(ARGV[index + 1]), tonumber(ARGV[index + 2])
  if tonumber(redis.call('HGET', KEYS[4], row) or '0') == moves then
    compared = compared + 1
    local available = tonumber(redis.call('HGET', KEYS[2], row) or '0')
    local held = tonumber(redis.call('HGET', KEYS[3], row) or '0')
    local difference = free - available - held
    if difference ~= 0 then
      redis.call('HINCRBY', KEYS[2], row, string.format('%d', difference))
      repaired, drift = repaired + 1, drift + math.abs(difference)
    end
  else
    behind = behind + 1
  end
end
return {compared, repaired, drift, behind}
