-- What becomes of jobs nobody reports on. Any gateway may call it at any time: each deadline is handled once, and handling it
-- sets the next one. It stops after 5 ms, so that reports are not held up.
local supervise = {} do

local function fail(ns, job, at, said)
  transitions.finish(ns, job, 'failed', at, failures.describe(ns, job, said, at, true))
  keep.save(ns, job, at, {s = true, f = true}, 'supervisor')
end

local function cancelled(ns, job, at)
  transitions.finish(ns, job, 'cancelled', at)
  keep.save(ns, job, at, {s = true, f = true}, 'supervisor')
end

local function silence(job, at)
  local seconds = math.floor((at - tonumber(job.locked or at)) / 1000)
  return 'Nothing was heard from it for ' .. (seconds < 120 and digits(seconds) .. ' s' or digits(math.floor(seconds / 60)) .. ' min') .. '.'
end

local function stalled_error(ns, job, at)
  return {code = 'stalled', title = 'The worker stopped responding', detail = silence(job, at), severity = 'high',
    action = (followers.refuse_retry(ns, job) and 'Start the job again.' or 'Try again.') .. ' If it happens again, tell support.'}
end

-- How long a stalled job is left alone, or nil: for ever. One that is to be cancelled never is: its worker cannot obey.
local function patience(job, policy)
  if policy.on_stall ~= 'flag' then return policy.grace end
  return job.cancel and (policy.grace > 0 and policy.grace or tonumber(job.lease)) or nil
end

local function lease_ended(ns, job, at, policy, counts)
  job.stalled = digits(at)
  local left_alone = patience(job, policy)
  keep.deadline(ns, job, left_alone and at + left_alone)
  counts.stalled = counts.stalled + 1
  keep.save(ns, job, at, {c = true}, 'supervisor', 'stalled')
end

local function grace_ended(ns, job, at, policy, counts)
  local left_alone = patience(job, policy)
  if not left_alone then return keep.deadline(ns, job, nil) end
  local due = tonumber(job.stalled) + left_alone
  if due > at then return keep.deadline(ns, job, due) end
  if job.cancel then
    cancelled(ns, job, at)
  elseif policy.on_stall == 'retry' and job.attempt < job.max then
    job.error = failures.describe(ns, job, stalled_error(ns, job, at), at, false)
    transitions.retry_later(ns, job, at, nil)
    transitions.offer(ns, job, at, policy)
    counts.requeued = counts.requeued + 1
    keep.save(ns, job, at, {s = true}, 'supervisor', 'requeued')
  else
    counts.failed = counts.failed + 1
    fail(ns, job, at, stalled_error(ns, job, at))
  end
end

-- Whether a worker took the entry of a job that never began: `waiting` if none has read it, `held` if one has it in its
-- group's list of pending entries and may yet claim it, `lost` if it was read and is held by nobody.
local function fate_of_work(ns, job)
  local stream, id = work.entry(ns, job)
  if #call('XRANGE', stream, id, id) == 0 then return 'lost' end
  local fate = 'waiting'
  for _, group in ipairs(call('XINFO', 'GROUPS', stream)) do
    local g = {}
    for i = 1, #group, 2 do g[group[i]] = group[i + 1] end
    if not values.is_before(g['last-delivered-id'], id) then
      if g.pending > 0 and #call('XPENDING', stream, g.name, id, id, '1') > 0 then return 'held' end
      fate = 'lost'
    end
  end
  return fate
end

-- Nobody began it in time. One whose worker died with it is given to another, if its type has stalled jobs tried again; one
-- that nobody has taken fails only if its type says how long it may wait.
local function not_started(ns, job, at, policy, counts)
  local fate = job.work and fate_of_work(ns, job)
  if fate == 'waiting' and policy.start_timeout == 0 then return keep.deadline(ns, job, at + policy.offered_start_timeout) end
  if fate == 'lost' and policy.on_stall == 'retry' and job.attempt < job.max then
    job.error = failures.describe(ns, job, {code = 'not_started', title = 'The worker that took the job did not begin it'}, at, false)
    transitions.retry_later(ns, job, at, nil)
    transitions.offer(ns, job, at, policy)
    counts.requeued = counts.requeued + 1
    return keep.save(ns, job, at, {s = true}, 'supervisor', 'requeued')
  end
  counts.failed = counts.failed + 1
  fail(ns, job, at, {code = 'not_started', title = 'The job was not started in time', detail = 'No worker was free to begin it, or none is running.',
    action = (followers.refuse_retry(ns, job) and 'Start the job again later.' or 'Try again later.') .. ' If it happens again, tell support.',
    severity = 'high'})
end

local function overdue(ns, id, at, policy_of, counts)
  local job = record.load(ns, id)
  if not job or FINAL[job.status] then call('ZREM', ns .. ':deadlines', id) end
  if not job then return keep.vanished(ns, id) end
  if FINAL[job.status] then return end
  if job.status == 'processing' then
    if job.stalled then return grace_ended(ns, job, at, policy_of(job.type), counts) end
    local ends = tonumber(job.locked) + tonumber(job.lease)
    if ends > at then return keep.deadline(ns, job, ends) end
    return lease_ended(ns, job, at, policy_of(job.type), counts)
  end
  if job.cancel then return cancelled(ns, job, at) end
  if not job.retry_at then return not_started(ns, job, at, policy_of(job.type), counts) end
  if tonumber(job.retry_at) > at then return keep.deadline(ns, job, job.retry_at) end
  transitions.offer(ns, job, at, policy_of(job.type))
  keep.save(ns, job, at, {c = true, quiet = true}, 'supervisor', 'queued')
end

-- The record of an unfinished job of a batch has lived its time.
local function expired(ns, id, at)
  local job = record.load(ns, id)
  if not job or FINAL[job.status] or not job.gid then call('ZREM', ns .. ':expiring', id) end
  if not job then return keep.vanished(ns, id) end
  if FINAL[job.status] or not job.gid then return end
  if tonumber(job.expires) > at then return call('ZADD', ns .. ':expiring', job.expires, id) end
  command.remove(ns, job, at)
  keep.vanished(ns, id)
end

function supervise.run(ns, args)
  local limit = values.integer('limit', args[1] or '', 1, 100000)
  if args[2] and args[2] ~= 'counts' then refuse('limit', 'nothing but counts may follow it') end
  local begun = clock.microseconds()
  local at = math.floor(begun / 1000)
  local counts = {stalled = 0, requeued = 0, failed = 0}
  local known = {}
  local function policy_of(type)
    known[type] = known[type] or policies.of_type(ns, type)
    return known[type]
  end
  local handled, late = 0, false
  batches.hold()
  local function each_due(key, handle)
    while handled < limit and not late do
      local due = call('ZRANGEBYSCORE', key, '-inf', digits(at), 'LIMIT', '0', tostring(math.min(64, limit - handled)))
      if #due == 0 then break end
      for _, id in ipairs(due) do
        local ok, problem = pcall(handle, ns, id, at, policy_of, counts)
        if not ok then
          -- One job that cannot be handled must not keep the others from it.
          redis.log(redis.LOG_WARNING, 'jobcast: the deadline of job ' .. id .. ' failed: ' .. raised(problem))
          call('ZADD', key, digits(at + 60000), id)
        end
        handled = handled + 1
        late = clock.microseconds() - begun > clock.SLICE_US
        if late then break end
      end
    end
  end
  local ok, problem = pcall(function()
    each_due(ns .. ':deadlines', overdue)
    each_due(ns .. ':expiring', expired)
  end)
  batches.write_held(ns, at)
  followers.look(ns, at)
  if not ok then error(problem, 0) end
  local left = call('ZCOUNT', ns .. ':deadlines', '-inf', digits(at)) + call('ZCOUNT', ns .. ':expiring', '-inf', digits(at))
  if args[2] then return {left, counts.stalled, counts.requeued, counts.failed} end
  return left
end

end
