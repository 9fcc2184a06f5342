-- Reads that change nothing: jobcast_get, jobcast_read, jobcast_history, jobcast_list, jobcast_inbox.
local read = {} do

-- Whose job it is, is looked at first and alone, so that the job of another costs what none does.
local function is_of(scope, key)
  local h = call('HMGET', key, 'owner', 'tenant')
  return h[1] and scope == values.encoded(h[2] or '') .. '/' .. values.encoded(h[1])
end

-- The version is in the record, since a report of progress writes it nowhere else but in `now`.
local function row(id, status, doc)
  return {tonumber(match(doc, '^"version":(%d+)', #id + 10) or 0), FINAL[status] and 'f' or '', doc}
end

-- A page ends after the record with which it has so many bytes: a hundred large results are several megabytes.
local PAGE_BYTES = 524288
-- A stream begins with more, if there is time: its owner asks once.
local SNAPSHOT_BYTES = 2097152

-- What a read costs, in looks: one is to find out whether a job is wanted. To read its record takes as long as three more, and
-- half a KiB of it as long as another.
local LOOKS_A_ROW, BYTES_A_LOOK = 3, 512
local function looks_of(looked, rows, bytes)
  return looked + rows * LOOKS_A_ROW + math.floor(bytes / BYTES_A_LOOK)
end

function read.get(ns, args)
  local out, first = {}, 1
  local scope = #args > 1 and find(args[1], '/', 1, true) and args[1]
  if scope then first = 2 end
  for i = first, #args do
    local key = ns .. ':job:' .. values.name('id', args[i], 128)
    local r = (not scope or is_of(scope, key)) and call('HMGET', key, 'status', 'doc')
    out[#out + 1] = r and r[1] and r[2] and row(args[i], r[1], r[2]) or false
  end
  return out
end

-- The record without its result, of which it says how many bytes there are. The result stands at the end of a record, where no
-- text can be taken for it.
local RESULT = ',"result":'
local function lean(doc, result)
  local tail = match(sub(doc, -40), ',"locked_at":%d+}$') or '}'
  local head = #doc - #tail - #result - #RESULT
  if sub(doc, head + 1, head + #RESULT) ~= RESULT then return doc end
  return sub(doc, 1, head) .. ',"result_omitted":' .. digits(#result) .. tail
end

-- `<scope or nothing> <later or lean> <room> id ...`. Once the answer has as many bytes as there is room, records are left for
-- another call, with 0 in their place, or told without their results. The cost comes first, then a row, 0 or nothing for each id.
function read.many(ns, args)
  local scope, later = args[1] ~= '' and args[1], values.one_of('beyond', args[2], {'later', 'lean'}) == 'later'
  local room = values.integer('room', args[3], 0, PAGE_BYTES)
  local out, sent, bytes = {0}, 0, 0
  for i = 4, #args do
    local key, full, here = ns .. ':job:' .. values.name('id', args[i], 128), sent >= room, false
    if full and later and sent > 0 then
      here = 0
    elseif not scope or is_of(scope, key) then
      local r = call('HMGET', key, 'status', 'doc', full and 'result' or 'v')
      if r[1] and r[2] then
        here = row(args[i], r[1], full and r[3] and lean(r[2], r[3]) or r[2])
        sent, bytes = sent + #here[3], bytes + #r[2]
      end
    end
    out[#out + 1] = here
  end
  out[1] = looks_of(#out - 1, #out - 1, bytes)
  return out
end

local function asks_cost(field, s) return values.one_of(field, s, {'1'}) end

-- Whoever asks for it gets what the page cost, behind the cursor.
local function with_cost(f, out, cursor, looked, bytes)
  out[1] = f.cost and {cursor, looks_of(looked, #out - 1, bytes)} or cursor
  return out
end

local HISTORY = {
  for_owner = fields.bounded(128), cost = asks_cost,
  cursor = function(field, s)
    if not find(s, '^%d+%-%d+$') or #s > 41 then refuse(field, 'pass on the cursor of the page before as it is') end
    return s
  end,
}
-- Entries with long errors are some 20 KB each, so few are read at once.
local HISTORY_STEP = 8

-- The entries after the cursor, oldest first.
function read.history(ns, args)
  local id = values.name('id', args[1] or '', 128)
  local f = fields.read(args, 2, HISTORY)
  if not entry.may(ns, id, f) or call('EXISTS', ns .. ':job:' .. id) == 0 then return false end
  local out, bytes, after = {''}, 0, f.cursor
  while true do
    local found = call('XRANGE', ns .. ':log:' .. id, after and '(' .. after or '-', '+', 'COUNT', HISTORY_STEP)
    for _, one in ipairs(found) do
      if bytes >= PAGE_BYTES then return with_cost(f, out, after, 0, bytes) end
      out[#out + 1], after = one[2], one[1]
      for _, part in ipairs(one[2]) do bytes = bytes + #part end
    end
    if #found < HISTORY_STEP then return with_cost(f, out, '', 0, bytes) end
  end
end

local LIST = {
  limit = function(field, s) return values.integer(field, s, 1, 100) end,
  cursor = fields.bounded(256), status = fields.bounded(100), group = fields.bounded(128),
  type = function(field, s) return values.name(field, s, 64) end,
  snapshot = function(field, s) return values.one_of(field, s, {'1'}) end,
  since = function(field, s) return values.integer(field, s, 0, MAX_TIME) end,
  cost = asks_cost,
}
local INBOX = {limit = LIST.limit, cursor = LIST.cursor, cost = LIST.cost}
local LOOKED_AT = 2000

local function matches(f, statuses, status, type, group)
  return (not statuses or statuses[status]) and (not f.type or f.type == type) and (not f.group or f.group == group)
end

local function check_scope(scope)
  if not scope or #scope > 256 or not find(scope, '^[%w%%%-._~]*/[%w%%%-._~]+$') then
    refuse('scope', '<tenant>/<owner>, percent-encoded, at most 256 bytes')
  end
  return scope
end

-- Where to go on from: a score, and the id that was the last one given of it.
local function read_cursor(f)
  if not f.cursor then return '+inf', nil end
  local score, id = match(f.cursor, '^(%d+)~(.+)$')
  if not score then refuse('cursor', 'pass on the cursor of the page before as it is') end
  return score, id
end

-- Calls `use(id)` with the members of a zset from the newest on, at most LOOKED_AT of them and for about clock.SLICE_US; stops
-- before an id for which `use` returns true. Returns the cursor to go on from, or '' at the end, and how many it looked at. The
-- clock is read seldom, so that an owner of few jobs always gets all of them. Ids of one score come in falling order: those that
-- the page before gave are skipped by comparison.
local function each_newest(key, highest, skip_id, use)
  local looked, offset, cursor, begun = 0, 0, '', clock.microseconds()
  while true do
    local members = call('ZREVRANGEBYSCORE', key, highest, '-inf', 'WITHSCORES', 'LIMIT', tostring(offset), '200')
    if #members == 0 then return '', looked end
    for i = 1, #members, 2 do
      local id, score = members[i], members[i + 1]
      if not (skip_id and score == highest and id >= skip_id) then
        if looked >= LOOKED_AT or use(id) then return cursor, looked end
        if looked % 256 == 255 and clock.microseconds() - begun > clock.SLICE_US then return score .. '~' .. id, looked end
        looked = looked + 1
        cursor = score .. '~' .. id
      end
    end
    offset = offset + 200
  end
end

-- A row of a page. What decides whether a record is wanted is read before, without the record: that may be large.
local function row_of(ns, id, status)
  return row(id, status, call('HGET', ns .. ':job:' .. id, 'doc'))
end

-- An owner's stream begins with what is unfinished, then outcomes nobody has seen yet, then other outcomes.
local function snapshot(ns, scope, f)
  local begun = clock.microseconds()
  local found, unseen, finals = {}, {}, {}
  local had = {}
  local function take(id)
    if had[id] then return end
    had[id] = true
    local r = call('HMGET', ns .. ':job:' .. id, 'status', 'updated', 'seen_at')
    if not r[1] then return end
    if not FINAL[r[1]] then
      found[#found + 1] = {id, r[1]}
    elseif not f.since or tonumber(r[2]) >= f.since then
      local into = r[3] and finals or unseen
      into[#into + 1] = {id, r[1]}
    end
  end
  local rest, looked = each_newest(ns .. ':owner:' .. scope, '+inf', nil, take)
  if not f.since then
    for _, id in ipairs(call('ZREVRANGE', ns .. ':inbox:' .. scope, '0', '99')) do
      looked = looked + 1
      take(id)
    end
  end
  for _, more in ipairs({unseen, finals}) do
    for _, one in ipairs(more) do found[#found + 1] = one end
  end
  local limit, bytes = f.limit or 100, 0
  local out = {''}
  for i = 1, math.min(limit, #found) do
    if bytes >= SNAPSHOT_BYTES or (bytes >= PAGE_BYTES and clock.microseconds() - begun > clock.SLICE_US) then break end
    out[i + 1] = row_of(ns, unpack(found[i]))
    bytes = bytes + #out[i + 1][3]
  end
  return with_cost(f, out, (rest ~= '' or #out <= #found) and '9007199254740991~~' or '', looked, bytes)
end

function read.list(ns, args)
  local scope = check_scope(args[1])
  local f = fields.read(args, 2, LIST)
  local limit = f.limit or 100
  local statuses
  if f.status then
    statuses = {}
    for one in gmatch(f.status, '[^,]+') do
      if not STATUSES[one] then refuse('status', 'pending, processing, retrying, done, failed or cancelled; several with commas') end
      statuses[one] = true
    end
  end
  local highest, skip_id = read_cursor(f)
  if f.snapshot then return snapshot(ns, scope, f) end
  local out, bytes = {''}, 0
  local cursor, looked = each_newest(ns .. ':owner:' .. scope, highest, skip_id, function(id)
    if #out > limit or bytes >= PAGE_BYTES then return true end
    local r = call('HMGET', ns .. ':job:' .. id, 'status', 'type', 'group')
    if not r[1] or not matches(f, statuses, r[1], r[2], r[3]) then return end
    out[#out + 1] = row_of(ns, id, r[1])
    bytes = bytes + #out[#out][3]
  end)
  return with_cost(f, out, cursor, looked, bytes)
end

function read.inbox(ns, args)
  local scope = check_scope(args[1])
  local f = fields.read(args, 2, INBOX)
  local highest, skip_id = read_cursor(f)
  local limit, key = f.limit or 100, ns .. ':inbox:' .. scope
  -- Entries of records that expired leave only when the next outcome comes.
  local unseen = call('ZCOUNT', key, '(' .. digits(clock.now() - policies.of_all(ns).retention), '+inf')
  local out, bytes = {'', unseen}, 0
  local cursor, looked = each_newest(key, highest, skip_id, function(id)
    if #out - 1 > limit or bytes >= PAGE_BYTES then return true end
    local r = call('HMGET', ns .. ':job:' .. id, 'status', 'seen_at')
    if not FINAL[r[1]] or r[2] then return end
    out[#out + 1] = row_of(ns, id, r[1])
    bytes = bytes + #out[#out][3]
  end)
  return with_cost(f, out, cursor, looked, bytes)
end

end
