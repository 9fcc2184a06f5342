-- Jobs with one `group` share a rollup: a record of its own in `ns:job:group:<hash>`, kept by counters, so that a report costs
-- the same whatever the size of the batch. A group belongs to one scope: two owners' groups never mix. Each job keeps its
-- `share` (the rollup's birth, its status, whole percent, whether stalled), which is what it has to give back.
local batches = {} do

local NAMED_FAILURES = 20
-- As many failed jobs are remembered, so that another can be named when one that is named is tried again.
local KEPT_FAILURES = 1000
local ROLLUP = {'v', 'created', 'updated', 'started', 'finished', 'status', 'sum', 'members', 'size', 'stalled', 'percent', 'failures', 'expires',
  'n_pending', 'n_processing', 'n_retrying', 'n_done', 'n_failed', 'n_cancelled'}

local function group_id(job)
  return 'group:' .. redis.sha1hex((job.tenant and text.quoted(job.tenant) or '') .. '\n' .. (job.owner and text.quoted(job.owner) or '') .. '\n' .. job.group)
end

-- What a job adds to its rollup.
local function share_of(job)
  return {status = job.status, percent = FINAL[job.status] and 100 or math.floor(tonumber(job.percent or 0)), stalled = job.stalled and 1 or 0}
end

local function write_share(share, born)
  return born .. ' ' .. share.status .. ' ' .. share.percent .. ' ' .. share.stalled
end

local function read_share(share, born)
  if not share then return nil end
  local of, status, percent, stalled = match(share, '^(%d+) (%a+) (%d+) (%d)$')
  if of ~= born then return nil end
  return {status = status, percent = tonumber(percent), stalled = tonumber(stalled)}
end

local function rollup_status(g)
  if g.members < g.size or g.n_pending + g.n_processing + g.n_retrying > 0 then
    if g.n_pending == g.members then return 'pending' end
    return g.n_processing == 0 and g.n_pending == 0 and g.n_retrying > 0 and g.n_retrying + g.n_pending == g.members and 'retrying' or 'processing'
  end
  return g.n_failed > 0 and 'failed' or g.n_cancelled == g.members and 'cancelled' or 'done'
end

-- The failed jobs by name and title, the first to fail first. `failures` is JSON that this file wrote.
local function name_failures(ns, gid, g, job, leaves, joins)
  local key = ns .. ':failed:' .. gid
  if joins and g.n_failed <= KEPT_FAILURES then
    call('ZADD', key, digits(g.updated), job.id)
    -- A rollup that is new, or due to be renewed, gives all its keys their lifetime when it is saved.
    if g.expires then call('PEXPIREAT', key, g.expires) end
  end
  if leaves then call('ZREM', key, job.id) end
  -- Once as many are named as there is room for, one more that fails changes nothing.
  if not leaves and g.n_failed > NAMED_FAILURES and g.failures and select(2, gsub(g.failures, '{"id":', '')) == NAMED_FAILURES then return end
  local named = g.failures and cjson.decode(g.failures) or {}
  local function put(id, error)
    local ok, decoded = pcall(cjson.decode, error or '')
    named[#named + 1] = {id = id, title = ok and decoded.title or 'The job failed.'}
  end
  if leaves then
    for i = #named, 1, -1 do if named[i].id == job.id then table.remove(named, i) end end
    if #named < NAMED_FAILURES and g.n_failed > #named then
      local have = {}
      for _, one in ipairs(named) do have[one.id] = true end
      for _, id in ipairs(call('ZRANGE', key, '0', tostring(NAMED_FAILURES - 1))) do
        if not have[id] then put(id, call('HGET', ns .. ':job:' .. id, 'error')) end
      end
    end
  end
  if joins and #named < NAMED_FAILURES then put(job.id, job.error) end
  local parts = {}
  for i = 1, math.min(#named, NAMED_FAILURES) do
    parts[i] = '{"id":"' .. named[i].id .. '","title":' .. text.quoted(named[i].title) .. '}'
  end
  g.failures = #parts > 0 and '[' .. table.concat(parts, ',') .. ']' or nil
end

local function rollup_record(gid, g, job)
  local function put(key, value) return value and key .. value or '' end
  local counts = {}
  for i, status in ipairs(STATUS_LIST) do counts[i] = '"' .. status .. '":' .. digits(g['n_' .. status]) end
  local over = g.n_done + g.n_failed + g.n_cancelled
  return '{"id":"' .. gid .. '","version":' .. digits(g.v) .. ',"updated_at":' .. digits(g.updated) .. ',"type":"group","status":"' .. g.status ..
    '","attempt":1,"max_attempts":1,"progress":{"percent":' .. digits(g.percent) .. ',"current":' .. digits(over) ..
    ',"total":' .. digits(math.max(g.members, g.size)) .. ',"unit":"jobs"},"stalled":' .. (g.stalled > 0 and 'true' or 'false') ..
    ',"cancel_requested":false,"can":[],"created_at":' .. g.created .. put(',"started_at":', g.started) ..
    put(',"finished_at":', g.finished) .. put(',"owner":', job.owner and text.quoted(job.owner)) ..
    put(',"tenant":', job.tenant and text.quoted(job.tenant)) .. ',"group":' .. text.quoted(job.group) ..
    ',"counts":{' .. table.concat(counts, ',') .. ',"stalled":' .. digits(g.stalled) .. '},"failed":' .. (g.failures or '[]') .. '}'
end

-- The rollup as it is stored, or a fresh one if the group has none yet. `of`: what a record of it needs to know of any of its jobs.
local function load_rollup(ns, gid, job, at)
  local row = call('HMGET', ns .. ':job:' .. gid, unpack(ROLLUP))
  local g = {of = {group = job.group, owner = job.owner, tenant = job.tenant}}
  for i, field in ipairs(ROLLUP) do g[field] = row[i] or nil end
  g.fresh = not g.v
  if g.fresh then
    g.v, g.created, g.updated, g.size, g.members, g.sum, g.stalled = 0, digits(at), 0, 0, 0, 0, 0
    for _, status in ipairs(STATUS_LIST) do g['n_' .. status] = 0 end
  else
    for _, field in ipairs({'v', 'updated', 'size', 'members', 'sum', 'stalled', 'percent'}) do g[field] = tonumber(g[field] or 0) end
    for _, status in ipairs(STATUS_LIST) do g['n_' .. status] = tonumber(g['n_' .. status] or 0) end
  end
  g.was = g.status
  return g
end

-- Writes a rollup that changed, and tells who watches it.
local function save_rollup(ns, gid, g, at)
  local key = ns .. ':job:' .. gid
  if g.members == 0 then
    -- Expired rather than deleted: workers, whose reports may move a job, need no right to delete.
    for _, one in ipairs({key, ns .. ':log:' .. gid, ns .. ':failed:' .. gid}) do call('PEXPIREAT', one, '1') end
    call('PUBLISH', ns .. ':event:' .. gid, '0 d null')
    return
  end
  local percent = math.floor(g.sum / math.max(g.members, g.size))
  if not g.counted and percent == g.percent then return call('HSET', key, 'sum', digits(g.sum)) end
  g.status = rollup_status(g)
  g.percent = percent
  g.v = g.v + 1
  if not g.started and g.status ~= 'pending' then g.started = digits(at) end
  if not FINAL[g.status] then g.finished = nil elseif not FINAL[g.was] then g.finished = digits(at) end
  local doc = rollup_record(gid, g, g.of)
  local span = tonumber(FINAL[g.status] and g.of.retention or g.of.abandoned)
  local set = {'type', 'group', 'attempt', '1', 'max', '1', 'group', g.of.group, 'doc', doc}
  if g.of.owner then set[#set + 1] = 'owner' set[#set + 1] = g.of.owner end
  if g.of.tenant then set[#set + 1] = 'tenant' set[#set + 1] = g.of.tenant end
  local renew = g.fresh or g.status ~= g.was or tonumber(g.expires or 0) < at + span / 2
  if renew then g.expires = digits(at + span) end
  for _, field in ipairs(ROLLUP) do
    local value = g[field]
    if value ~= nil then set[#set + 1] = field set[#set + 1] = type(value) == 'number' and digits(value) or value end
  end
  call('HSET', key, unpack(set))
  if not g.finished or not g.failures then call('HDEL', key, g.finished and 'failures' or 'finished', g.failures and 'finished' or 'failures') end
  if g.status ~= g.was then
    call('XADD', ns .. ':log:' .. gid, 'MAXLEN', '256', '*', 'version', digits(g.v), 'at', digits(at), 'status', g.status, 'attempt', '1', 'by', 'batch')
  end
  if renew then
    for _, one in ipairs({key, ns .. ':log:' .. gid, ns .. ':failed:' .. gid}) do call('PEXPIREAT', one, g.expires) end
  end
  local letters = (g.status ~= g.was and 's' or g.counted and '' or 'p') .. (FINAL[g.status] and 'f' or '') .. (g.fresh and 'n' or '')
  call('PUBLISH', ns .. ':event:' .. gid, digits(g.v) .. ' ' .. (letters == '' and '-' or letters) .. ' ' .. doc)
end

-- While the supervisor handles many jobs in one call: the rollups they change, by id, to be written once at its end.
batches.held = nil

function batches.hold() batches.held = {} end

function batches.write_held(ns, at)
  local rollups = batches.held
  batches.held = nil
  for gid, g in pairs(rollups) do
    local ok, problem = pcall(save_rollup, ns, gid, g, at)
    if not ok then redis.log(redis.LOG_WARNING, 'jobcast: the batch ' .. gid .. ' was not written: ' .. raised(problem)) end
  end
end

-- Takes the job's old share out of a rollup and puts its new one in. `joins` false: the job leaves. Returns the new share.
function batches.count_in(ns, gid, job, at, old_share, joins, size)
  local held = batches.held
  local g = held and held[gid] or load_rollup(ns, gid, job, at)
  if g.fresh and g.members == 0 then
    if not joins then return nil end
    call('ZREMRANGEBYSCORE', ns .. ':failed:' .. gid, '-inf', '+inf')
    if job.publisher then call('HSET', ns .. ':job:' .. gid, 'publisher', job.publisher) end
  end
  if job.group_publishers then call('HSET', ns .. ':job:' .. gid, 'publishers', job.group_publishers) end
  local old = read_share(old_share, g.created)
  local new = joins and share_of(job)
  g.counted = g.counted or g.fresh or not old or not new or old.status ~= new.status or old.stalled ~= new.stalled
  g.updated = math.max(g.updated, at)
  g.of.retention, g.of.abandoned = job.retention, job.abandoned
  if old then
    g.members, g.sum, g.stalled = g.members - 1, g.sum - old.percent, g.stalled - old.stalled
    g['n_' .. old.status] = g['n_' .. old.status] - 1
  end
  if new then
    g.members, g.sum, g.stalled = g.members + 1, g.sum + new.percent, g.stalled + new.stalled
    g['n_' .. new.status] = g['n_' .. new.status] + 1
  end
  if size and size > g.size then g.size, g.counted = size, true end
  local left_failed = old and old.status == 'failed' and not (new and new.status == 'failed')
  local is_failed = new and new.status == 'failed' and not (old and old.status == 'failed')
  if g.members > 0 and (left_failed or is_failed) then name_failures(ns, gid, g, job, left_failed, is_failed) end
  if held then held[gid] = g else save_rollup(ns, gid, g, at) end
  return new and write_share(new, g.created)
end

-- Whether the publisher that a gateway names (`publisher`) may bring a job into the batch that the call names; nothing is written. A batch is
-- of who made it: others add jobs if they are named, and change its size until all its jobs are there. One whose maker nobody
-- knows, such as those of 0.1.0, takes jobs from all, and becomes nobody's. What is not the caller's to say is left out of `f`.
function batches.admits(ns, job, f)
  local publisher = f.publisher
  job = job or {}
  local group = f.group or job.group
  if not group then return true end
  local gid = group_id({group = group, owner = job.owner or f.owner, tenant = job.tenant or f.tenant})
  local h = call('HMGET', ns .. ':job:' .. gid, 'v', 'publisher', 'publishers', 'status', 'size', 'members')
  if not h[1] or h[2] == publisher then return true end
  local of_somebody = h[2] or h[3]
  local named = not of_somebody or find(',' .. (h[3] or '') .. ',', ',' .. publisher .. ',', 1, true)
  if not named and job.gid ~= gid then return false end
  local size = tonumber(h[5] or 0)
  local complete = FINAL[h[4]] or size > 0 and tonumber(h[6] or 0) >= size
  if f.group_size and f.group_size > size and (complete or not named) then
    f.group_size = nil
    mending.note(f, 'group_size', 'left out')
  end
  if f.group_publishers then
    f.group_publishers = nil
    mending.note(f, 'group_publishers', 'left out')
  end
  return true
end

-- Keeps the rollup of the job's group up to date; moves the job when its group or scope changed.
function batches.update(ns, job, at)
  local before = job.gid
  if job.regroup then
    job.gid = job.group and group_id(job)
    job.regroup = nil
    if before and before ~= job.gid then
      -- The rollup that is left belongs to whom the job belonged to then.
      local left = {id = job.id, group = job.left_group, owner = job.left_owner, tenant = job.left_tenant, status = job.status,
        retention = job.retention, abandoned = job.abandoned}
      batches.count_in(ns, before, left, at, job.share, false)
      job.share = nil
    end
  end
  if job.gid then job.share = batches.count_in(ns, job.gid, job, at, job.share, true, job.group_size) end
end

-- Before owner, tenant or group change.
function batches.will_move(job)
  if not job.regroup then job.left_group, job.left_owner, job.left_tenant = job.group, job.owner, job.tenant end
  job.regroup = true
end

end
