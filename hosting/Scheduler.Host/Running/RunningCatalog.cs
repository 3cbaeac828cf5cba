using System.Diagnostics.CodeAnalysis;
using Scheduler.Actors;
using Scheduler.Host.Configuration;
using Scheduler.Storage.Journal;

namespace Scheduler.Host.Running;

/// <summary>The service can't start. The message is one line for the operator.</summary>
/// <param name="message">What is wrong, and what helps.</param>
internal sealed class StartRefusedException(string message) : Exception(message);

/// <summary>
/// The catalog of the running service: commands one after the other, each prepared, made durable, acted upon, then answered
/// (CatalogActions.cs); only where space has to be zeroed first, others go on meanwhile (DisksInMaking.cs). While the journal is
/// away all of them are refused; when it is back, what runs is made what the catalog has. The nodes of a cluster share one
/// catalog: each change begins with what others have changed meanwhile, and if one of them is first in the end, it begins anew.
/// </summary>
internal sealed partial class RunningCatalog : ICatalogService, ICatalogObserver, IAsyncDisposable
{
    private const string ActorName = "catalog";
    private static readonly TimeSpan s_lastChangeTimeMax = TimeSpan.FromSeconds(5);

    // What could not be made what the catalog has is tried again, after pauses that grow.
    private static readonly TimeSpan s_againPauseMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_againPauseMax = TimeSpan.FromMinutes(1);

    /// <summary>A change begins anew so often when others are first. Each time one of them has made one.</summary>
    private const int TriesMax = 100;

    private readonly TaskCompletionSource _recovered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _one = new(1);
    private readonly SqlJournal _journal;
    private readonly EventFormat _format;
    private readonly RunningParts _parts;
    private readonly CatalogActions _actions;
    private readonly DisksInMaking _making = new();
    private readonly ILogger _logger;
    private readonly ICatalogPeers? _peers;
    private readonly SharedCatalog? _shared;
    private IReadOnlyList<CatalogEntity> _declared = [];
    private IActorSystem? _system;
    private ActorRef? _owner;
    private volatile CatalogState _state = CatalogState.Empty;

    /// <summary>Of a shared catalog: what has been acted upon here; null: nobody knows.</summary>
    private CatalogState? _acted;
    private volatile string? _behind;
    private int _told;
    private TimeSpan _againPause = s_againPauseMin;
    private long _againAt;

    /// <summary>Why the catalog can't be changed now; null: it can.</summary>
    private volatile string? _failure;
    private bool _runs;
    private volatile bool _stopping;

    /// <param name="journal">Where its events are; disposed by the caller, afterwards.</param>
    /// <param name="format">How they are written.</param>
    /// <param name="parts">What runs.</param>
    /// <param name="peers">Who shares it; null: nobody.</param>
    /// <param name="logger">The log.</param>
    public RunningCatalog(SqlJournal journal, EventFormat format, RunningParts parts, ICatalogPeers? peers, ILogger logger)
    {
        _peers = peers;
        _shared = peers is null ? null : new SharedCatalog(journal, format);
        _journal = journal;
        _format = format;
        _parts = parts;
        _actions = new CatalogActions(parts);
        _logger = logger;
    }

    /// <inheritdoc/>
    public CatalogState State => _state;

    /// <summary>Why what other processes change is not seen here, though the journal is there; null: it is.</summary>
    public string? Problem => _behind;

    /// <summary>Recovers the catalog and starts what it has.</summary>
    /// <param name="system">Runs its actor.</param>
    /// <param name="settings">Checked configuration.</param>
    /// <exception cref="StartRefusedException">Its events can't be read, or do not go together with the file.</exception>
    /// <exception cref="Scheduler.Storage.VolumeOpenException">A declared volume can't be opened.</exception>
    public async Task StartAsync(IActorSystem system, ServiceSettings settings)
    {
        _system = system;
        _declared = CatalogSettings.Declared(settings);
        if (_shared is not null)
        {
            await RecoverAsync(_shared);
        }
        else
        {
            _owner = system.ActorOf(
                new Props(() => new PersistentOwner("the catalog", new Props(Incarnation), props => system.ActorOf(props, ActorName))),
                "catalog-owner");
            await _recovered.Task;
        }

        await _one.WaitAsync();
        try
        {
            await _actions.FitAsync(_state, mustOpen: true);
            _acted = _state;
            _runs = true;
        }
        finally
        {
            _ = _one.Release();
        }
    }

    /// <summary>Does something with what runs, while nothing else is.</summary>
    /// <param name="work">What to do, given the catalog.</param>
    /// <typeparam name="T">Of its result.</typeparam>
    /// <returns>Its result.</returns>
    public async Task<T> WithPartsAsync<T>(Func<CatalogState, Task<T>> work)
    {
        await _one.WaitAsync();
        try
        {
            return await work(_state);
        }
        finally
        {
            _ = _one.Release();
        }
    }

    /// <inheritdoc/>
    public Task<CatalogAnswer> ChangeAsync(CatalogCommand command, CancellationToken cancellation = default) => ChangeAsync(command, mayForward: true, cancellation);

    /// <summary>Carries out what another process has sent here, where the volume is.</summary>
    /// <param name="command">The command.</param>
    /// <param name="cancellation">Who gave it is gone.</param>
    public Task<CatalogAnswer> ChangeHereAsync(CatalogCommand command, CancellationToken cancellation) => ChangeAsync(command, mayForward: false, cancellation);

    private async Task<CatalogAnswer> ChangeAsync(CatalogCommand command, bool mayForward, CancellationToken cancellation)
    {
        for (int tries = 1; tries <= TriesMax; tries++)
        {
            DiskInMaking? begun = null;
            DiskInMaking? deleted = null;
            string? elsewhere = null;
            (RunningVolume Volume, long Offset, long Length) space = default;
            string? run = null;
            await _one.WaitAsync(cancellation);
            try
            {
                await FollowAsync();
                CatalogDecision decision = Decide(command);
                if (command is DeleteEntity && _making.Find(command.Key) is { } making && decision.Refusal is null or { Problem: CatalogProblem.NotFound })
                {
                    // There is no disk yet, or it does not grow any more: a delete ends that.
                    making.GiveUp();
                    deleted = making;
                }
                else if (decision.Event is not { } decided)
                {
                    return AnswerOf(decision, command);
                }
                else if ((elsewhere = Elsewhere(decided)) is not null)
                {
                    if (!mayForward)
                        return Refused(CatalogProblem.Unavailable, $"nothing was changed: volume {elsewhere} moves to another node; try again");
                }
                else if (_actions.ToZero(decided, _state) is { } found)
                {
                    string? problem;
                    (run, problem) = await found.Volume.TakeRunAsync(CatalogSettings.Settings(_state.Find<CatalogGuest>(((CatalogDisk)decided.After!).Guest)!), found.Offset, found.Length);
                    if (problem is not null)
                        return Refused(CatalogProblem.InUse, $"disk {decided.Key.Name}: {problem}");
                    space = found;
                    _making.Add(begun = new DiskInMaking(decided, cancellation));
                }
                else if (await MakeAsync(command, decided) is { } answer)
                {
                    return answer;
                }
            }
            finally
            {
                _ = _one.Release();
            }

            if (elsewhere is not null)
                return await ForwardAsync(elsewhere, command, cancellation);
            if (begun is not null)
                return await EndAsync(command, begun, space, run!);
            if (deleted is not null)
            {
                await deleted.Ended;
                CatalogAnswer answer = await ChangeAsync(command, mayForward, cancellation);
                return answer.Refusal is { Problem: CatalogProblem.NotFound } ? new CatalogAnswer(null, null) : answer;
            }
        }

        return s_othersWereFirst;
    }

    // The second part of a change whose space has to be zeroed.
    private async Task<CatalogAnswer> EndAsync(
        CatalogCommand command, DiskInMaking begun, (RunningVolume Volume, long Offset, long Length) space, string run)
    {
        string name = begun.Disk.Name;
        Zeroes(_logger, name, space.Length, space.Volume.Settings.Name, space.Offset);
        string? problem = await space.Volume.ZeroAsync(run, space.Length, begun.GivenUp);
        await _one.WaitAsync(CancellationToken.None);
        try
        {
            _making.Remove(begun);
            if (begun.GivenUp.IsCancellationRequested)
            {
                GaveUp(_logger, name);
                return Refused(CatalogProblem.InUse, $"disk {name}: it was given up while its space was being zeroed");
            }

            if (problem is not null)
                return Refused(CatalogProblem.InUse, $"disk {name}: {problem}");

            // Where it was zeroed.
            command = ((PutEntity)command) with { Entity = begun.Disk };
            for (int tries = 1; tries <= TriesMax; tries++)
            {
                await FollowAsync();
                CatalogDecision decision = Decide(command);
                if (decision.Event is not { } decided)
                    return AnswerOf(decision, command);

                // Each time: others may have had the space while somebody else owned the volume.
                if (_actions.ToZero(decided, _state) != space)
                    return Refused(CatalogProblem.InUse, $"disk {name}: it has changed while its space was being zeroed; try again");
                if (await MakeAsync(command, decided) is { } answer)
                    return answer;
            }

            return s_othersWereFirst;
        }
        finally
        {
            begun.Dispose();
            _ = _one.Release();
        }
    }

    // Under the lock: what a command comes to, beside the disks that are being made.
    private CatalogDecision Decide(CatalogCommand command)
    {
        if (_failure is { } failure)
            return new CatalogDecision(null, new CatalogRefusal(CatalogProblem.Unavailable, $"the catalog can't be changed now, and nothing was: {failure}"));
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        CatalogDecision alone = _state.Decide(command, now, _parts.IsAttached);
        if (alone.Event is EntityDeleted<CatalogIdentity> && command is DeleteEntity { MayOpen: false } && !_parts.AreIdentitiesRequired && _state.All<CatalogIdentity>().Count() == 1)
        {
            return new CatalogDecision(null, new CatalogRefusal(
                CatalogProblem.InUse,
                $"identity {command.Key.Name} is the last one: without it whoever reaches an NBD address or the rings' socket opens any disk. If that is meant, delete it with ?open=true (--open)"));
        }

        if (alone.Event is not null && _peers?.WhyNot(alone.Event) is { } reason)
            return new CatalogDecision(null, new CatalogRefusal(CatalogProblem.InUse, reason));
        if (alone.Event is null || (command is DeleteEntity && _making.Find(command.Key) is not null))
            return alone;
        if (_making.WhyNot(alone.Event) is { } refusal)
            return new CatalogDecision(null, refusal);
        CatalogDecision beside = _making.Over(_state).Decide(command, now, _parts.IsAttached);
        return beside.Refusal is null ? beside : new CatalogDecision(null, _making.Explain(beside.Refusal));
    }

    private CatalogAnswer AnswerOf(CatalogDecision decision, CatalogCommand command) =>
        new(decision.Refusal is null ? _state.Find(command.Key.Kind, command.Key.Name) : null, decision.Refusal);

    // Under the lock. Null: another process was first, and nothing was changed.
    private async Task<CatalogAnswer?> MakeAsync(CatalogCommand command, CatalogEvent decided)
    {
        PreparedChange prepared = await _actions.PrepareAsync(decided, _state);
        if (prepared.Refusal is not null)
            return new CatalogAnswer(null, prepared.Refusal);

        // As it was prepared: with its place, if it is a disk.
        CatalogAnswer? answer;
        try
        {
            answer = _shared is not null ? await AppendAsync(_shared, decided) : await TellAsync(command is PutEntity put ? put with { Entity = decided.After! } : command);
        }
        catch (VolumeTakenException taken)
        {
            await prepared.UndoAsync(_state);
            return Refused(CatalogProblem.Unavailable, $"nothing was changed: {taken.Message}; try again");
        }

        if (answer is null)
        {
            await prepared.UndoAsync(_state);
        }
        else if (answer.Refusal is null)
        {
            if (await prepared.CommitAsync(_state) is { } problem)
            {
                // A rescan tries again.
                NotInEffect(_logger, decided.Key.Kind, decided.Key.Name, problem);
                _parts.SetProblems([.. _parts.Problems.Append($"{decided.Key.Kind} {decided.Key.Name}: {problem}").Distinct()]);
            }

            // When it is in effect here: others ask the owner of a disk what it serves now.
            _peers?.Changed(_shared!.Number);
        }
        else if (answer.Refusal.Problem != CatalogProblem.Unavailable)
        {
            await prepared.UndoAsync(_state);
        }
        else if (_failure is { } cause)
        {
            return Refused(CatalogProblem.Unavailable, $"{answer.Refusal.Reason} ({cause})");
        }

        return answer;
    }

    /// <summary>A guest of the file has other bounds now.</summary>
    /// <param name="guest">The guest.</param>
    /// <returns>Why it goes on as it was, or null.</returns>
    public async Task<string?> DeclareAsync(GuestSettings guest)
    {
        await _one.WaitAsync();
        try
        {
            if (await _parts.PutAsync(guest) is { } problem)
                return problem;

            // If the catalog waits for its journal, it takes it when it recovers.
            CatalogGuest entity = CatalogSettings.Entity(guest);
            _declared = [.. _declared.Select(other => other is CatalogGuest && other.Name == entity.Name ? entity : other)];
            if (_shared is not null)
            {
                // Its own declaration only: what others have changed is acted upon later.
                bool acted = _acted == _shared.State;
                _ = _shared.Declare(_declared);
                _state = _shared.State;
                _acted = acted ? _state : null;
                return null;
            }

            TaskCompletionSource<string?> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _owner!.Tell(new DeclareCatalog(_declared, done.SetResult));
            _ = await done.Task;
            return null;
        }
        finally
        {
            _ = _one.Release();
        }
    }

    /// <summary>Reads all volume groups anew, and tries again what could not be served; new connections see what has changed.</summary>
    public async Task<IReadOnlyList<string>> RescanAsync()
    {
        List<string> refused = [];
        await _one.WaitAsync();
        try
        {
            foreach (RunningVolume volume in _parts.Volumes.Where(volume => volume.Settings.IsGroup))
            {
                if (await volume.RescanAsync() is { } problem)
                {
                    RescanRefused(_logger, volume.Settings.Name, problem);
                    refused.Add($"volume {volume.Settings.Name}: {problem}");
                    continue;
                }

                Rescanned(_logger, volume.Settings.Name, string.Join(", ", volume.Disks.Select(disk => $"{disk.Settings.Name} {ByteSize.Format(disk.Size)}")));
                _parts.Rescanned(volume, _state);
            }

            if (_parts.Problems.Count > 0 && _failure is null)
                await _actions.FitAsync(_state);
            return refused;
        }
        finally
        {
            _ = _one.Release();
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<CatalogChange>> HistoryAsync(long to, int count, CancellationToken cancellation) =>
        CatalogHistory.ReadAsync(_journal, _format, to, count, cancellation);

    /// <inheritdoc/>
    public async Task<int> DetachAsync(string disk) => DetachHere(disk) + (_peers is null ? 0 : await _peers.DetachAsync(disk));

    /// <summary>Closes all connections of this process to a disk, and says how many there were.</summary>
    public Func<string, int> DetachHere { get; set; } = _ => 0;

    /// <summary>An actor has failed: if it is the catalog's, this says why it can't be changed.</summary>
    /// <param name="path">The actor's path.</param>
    /// <param name="exception">Why.</param>
    public void ActorFailed(string path, Exception exception)
    {
        // Behind its name is a number; the owner's name is longer.
        if (!path.StartsWith(ActorName, StringComparison.Ordinal) || path.AsSpan(ActorName.Length).ContainsAnyInRange('a', 'z'))
            return;
        _failure = exception.Message.ReplaceLineEndings(" ");
        _ = _recovered.TrySetException(new StartRefusedException($"journal {_journal.Name}: {_failure}"));
    }

    /// <summary>Takes no more changes; the one under way goes on, and no more space is zeroed.</summary>
    public void Stop()
    {
        _stopping = true;
        _failure = "the service is stopping";
        _making.GiveUpAll();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Stop();

        // A change that waits for its device longer than that is cut off, as by a crash.
        _ = await Task.WhenAny(_making.Ended, Task.Delay(s_lastChangeTimeMax));
        _ = await _one.WaitAsync(s_lastChangeTimeMax);
        if (_owner is not null)
            _system!.Stop(_owner);
        _one.Dispose();
    }

    /// <summary>Another process may have changed the catalog: what is new is read, and acted upon. From any thread.</summary>
    /// <returns>Done when it is in effect here.</returns>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Nobody waits for it; the log says what went wrong.")]
    public async Task CatchUpAsync()
    {
        // Who waits for its turn already will read it.
        if (_stopping || Interlocked.Exchange(ref _told, 1) == 1)
            return;
        try
        {
            _ = await WithPartsAsync(async _ =>
            {
                Volatile.Write(ref _told, 0);
                await FollowAsync();
                await TryAgainAsync();
                return true;
            });
        }
        catch (Exception exception) when (!_stopping)
        {
            NotFitted(_logger, exception);
        }
    }

    // Under the lock: what went wrong before may have been put right, or have been for a moment only.
    private async Task TryAgainAsync()
    {
        if (_parts.Problems.Count == 0)
        {
            (_againPause, _againAt) = (s_againPauseMin, 0);
            return;
        }

        long now = Environment.TickCount64;
        if (_againAt == 0)
            _againAt = now + (long)_againPause.TotalMilliseconds;
        if (_failure is not null || now < _againAt)
            return;
        await _actions.FitAsync(_state);
        _againPause = _againPause * 2 < s_againPauseMax ? _againPause * 2 : s_againPauseMax;
        _againAt = Environment.TickCount64 + (long)_againPause.TotalMilliseconds;
        if (_parts.Problems.Count == 0)
            Fits(_logger);
    }

    /// <summary>All there is now, of all processes.</summary>
    /// <returns>The catalog.</returns>
    /// <exception cref="JournalUnavailableException">It can't be read.</exception>
    public Task<CatalogState> ReadNowAsync() => WithPartsAsync(async _ =>
    {
        await FollowAsync();
        return _failure is { } failure ? throw new JournalUnavailableException(failure) : _state;
    });

    void ICatalogObserver.Recovered(CatalogState state)
    {
        _state = state;
        _failure = _stopping ? _failure : null;
        if (!_recovered.TrySetResult() && _runs)
            _ = FitAgainAsync();
    }

    void ICatalogObserver.Changed(CatalogEvent happened, CatalogEntity? before, CatalogState state) => _state = state;

    void ICatalogObserver.Declared(CatalogState state) => _state = state;

    void ICatalogObserver.Conflicts(string problem)
    {
        _failure = problem;
        if (!_recovered.TrySetException(new StartRefusedException($"the configuration file and journal {_journal.Name} do not go together: {problem}")))
            Conflict(_logger, problem);
    }

    private static readonly CatalogAnswer s_othersWereFirst = Refused(CatalogProblem.Unavailable, "nothing was changed: others change the catalog all the time; try again");

    private static CatalogAnswer Refused(CatalogProblem problem, string reason) => new(null, new CatalogRefusal(problem, reason));

    private Catalog Incarnation() => new(new CatalogSetup { Declared = _declared, Observer = this, IsAttached = _parts.IsAttached });

    private Task<CatalogAnswer> TellAsync(CatalogCommand command)
    {
        TaskCompletionSource<CatalogAnswer> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _owner!.Tell(new ChangeCatalog(command, done.SetResult));
        return done.Task;
    }

    private async Task RecoverAsync(SharedCatalog shared)
    {
        try
        {
            await shared.RecoverAsync(_declared);
            _state = shared.State;
        }
        catch (CatalogConflictException conflict)
        {
            throw new StartRefusedException($"the configuration file and journal {_journal.Name} do not go together: {conflict.Message}");
        }
        catch (PersistenceException unreadable)
        {
            throw new StartRefusedException($"journal {_journal.Name}: {unreadable.Message}");
        }
    }

    // Under the lock: what others have changed is in effect here, as far as it can be read.
    private async Task FollowAsync()
    {
        if (_shared is null || _stopping)
            return;
        string? failure = null;
        try
        {
            await _shared.ReadOnAsync();
            _behind = null;
        }
        catch (JournalUnavailableException away)
        {
            failure = away.Message.ReplaceLineEndings(" ");
        }
        catch (Exception exception) when (exception is JournalDamagedException or PersistenceException or CatalogConflictException)
        {
            _behind = failure = $"journal {_journal.Name} has what this process can't take: {exception.Message.ReplaceLineEndings(" ")}";
        }

        _state = _shared.State;
        if (_acted is null && failure is null)
            await _actions.FitAsync(_state);
        else if (_acted is not null && _acted != _state)
            await _actions.FollowAsync(_acted, _state, _peers!);
        if (_acted is not null || failure is null)
            _acted = _state;
        if (failure is not null && _failure is null)
            StaysBehind(_logger, failure);
        else if (failure is null && _failure is not null)
            Back(_logger, _journal.Name);
        if (!_stopping)
            _failure = failure;
    }

    // Null: another process was first.
    private async Task<CatalogAnswer?> AppendAsync(SharedCatalog shared, CatalogEvent decided)
    {
        try
        {
            // S5: it was prepared under this lock, by the volume's owner.
            if (!await shared.AppendAsync(decided, DiskOf(decided) is { } disk ? _parts.Find(disk.Volume)!.Term : null))
                return null;
        }
        catch (JournalUnavailableException away)
        {
            // When it is back, what runs is made what the catalog has.
            _acted = null;
            return Refused(CatalogProblem.Unavailable, $"the journal failed while the change was being written; it may or may not have been made: look, then try again ({away.Message})");
        }

        _acted = _state = shared.State;
        return new CatalogAnswer(_state.Find(decided.Key.Kind, decided.Key.Name), null);
    }

    // The volume of a disk's change that only another process may make.
    private string? Elsewhere(CatalogEvent decided) =>
        _peers is not null && DiskOf(decided) is { } disk && _parts.Find(disk.Volume) is not { IsAvailable: true } ? disk.Volume : null;

    private CatalogDisk? DiskOf(CatalogEvent decided) => (decided.After ?? _state.Find(decided.Key.Kind, decided.Key.Name)?.Entity) as CatalogDisk;

    private async Task<CatalogAnswer> ForwardAsync(string volume, CatalogCommand command, CancellationToken cancellation)
    {
        CatalogAnswer answer = await _peers!.ForwardAsync(volume, command, cancellation);
        if (answer.Refusal is not null)
            return answer;

        // What was made there can be seen and opened here when that is answered.
        _ = await WithPartsAsync(async _ =>
        {
            await FollowAsync();
            return true;
        });
        await _peers.AskOwnerAsync(volume);
        return answer;
    }

    // What was being written when the journal failed may have happened or not.
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Nobody waits for it; the log says what went wrong.")]
    private async Task FitAgainAsync()
    {
        try
        {
            await _one.WaitAsync();
            try
            {
                await _actions.FitAsync(_state);
                Back(_logger, _journal.Name);
            }
            finally
            {
                _ = _one.Release();
            }
        }
        catch (Exception exception) when (!_stopping)
        {
            NotFitted(_logger, exception);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Disk {Disk}: {Bytes} bytes of volume {Volume} at {Offset} are zeroed for it")]
    private static partial void Zeroes(ILogger logger, string disk, long bytes, string volume, long offset);

    [LoggerMessage(Level = LogLevel.Information, Message = "Disk {Disk} was given up while its space was being zeroed")]
    private static partial void GaveUp(ILogger logger, string disk);

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume} was read anew: {Disks}")]
    private static partial void Rescanned(ILogger logger, string volume, string disks);

    [LoggerMessage(Level = LogLevel.Error, Message = "Volume {Volume} was read anew, and goes on as it was: {Reason}")]
    private static partial void RescanRefused(ILogger logger, string volume, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The change of {Kind} {Name} is made, but not in effect: {Reason}")]
    private static partial void NotInEffect(ILogger logger, CatalogKind kind, string name, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Journal {Journal} is back: the catalog can be changed again")]
    private static partial void Back(ILogger logger, string journal);

    [LoggerMessage(Level = LogLevel.Information, Message = "What runs is what the catalog has")]
    private static partial void Fits(ILogger logger);

    [LoggerMessage(Level = LogLevel.Error, Message = "The catalog can't be changed until the service is started again: {Problem}")]
    private static partial void Conflict(ILogger logger, string problem);

    [LoggerMessage(Level = LogLevel.Error, Message = "The catalog can't be changed here, and what others change in it is not seen: {Problem}")]
    private static partial void StaysBehind(ILogger logger, string problem);

    [LoggerMessage(Level = LogLevel.Error, Message = "What runs could not be made what the catalog has")]
    private static partial void NotFitted(ILogger logger, Exception exception);
}
