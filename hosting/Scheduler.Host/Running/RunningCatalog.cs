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
/// away all of them are refused; when it is back, what runs is made what the catalog has.
/// </summary>
internal sealed partial class RunningCatalog : ICatalogService, ICatalogObserver, IAsyncDisposable
{
    private const string ActorName = "catalog";
    private static readonly TimeSpan s_lastChangeTimeMax = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource _recovered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _one = new(1);
    private readonly SqlJournal _journal;
    private readonly EventFormat _format;
    private readonly RunningParts _parts;
    private readonly CatalogActions _actions;
    private readonly DisksInMaking _making = new();
    private readonly ILogger _logger;
    private IReadOnlyList<CatalogEntity> _declared = [];
    private IActorSystem? _system;
    private ActorRef? _owner;
    private volatile CatalogState _state = CatalogState.Empty;

    /// <summary>Why it can't be changed in this process; null: it can.</summary>
    public string? WhyFixed { get; init; }

    /// <summary>Why the catalog can't be changed now; null: it can.</summary>
    private volatile string? _failure;
    private bool _runs;
    private volatile bool _stopping;

    /// <param name="journal">Where its events are; disposed by the caller, afterwards.</param>
    /// <param name="format">How they are written.</param>
    /// <param name="parts">What runs.</param>
    /// <param name="logger">The log.</param>
    public RunningCatalog(SqlJournal journal, EventFormat format, RunningParts parts, ILogger logger)
    {
        _journal = journal;
        _format = format;
        _parts = parts;
        _actions = new CatalogActions(parts);
        _logger = logger;
    }

    /// <inheritdoc/>
    public CatalogState State => _state;

    /// <summary>Recovers the catalog and starts what it has.</summary>
    /// <param name="system">Runs its actor.</param>
    /// <param name="settings">Checked configuration.</param>
    /// <exception cref="StartRefusedException">Its events can't be read, or do not go together with the file.</exception>
    /// <exception cref="Scheduler.Storage.VolumeOpenException">A declared volume can't be opened.</exception>
    public async Task StartAsync(IActorSystem system, ServiceSettings settings)
    {
        _system = system;
        _declared = CatalogSettings.Declared(settings);
        _owner = system.ActorOf(
            new Props(() => new PersistentOwner("the catalog", new Props(Incarnation), props => system.ActorOf(props, ActorName))),
            "catalog-owner");
        await _recovered.Task;
        await _one.WaitAsync();
        try
        {
            await _actions.FitAsync(_state, mustOpen: true);
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
    public async Task<CatalogAnswer> ChangeAsync(CatalogCommand command, CancellationToken cancellation = default)
    {
        DiskInMaking? begun = null;
        DiskInMaking? deleted = null;
        (RunningVolume Volume, long Offset, long Length) space = default;
        string? run = null;
        await _one.WaitAsync(cancellation);
        try
        {
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
            else if (_actions.ToZero(decided, _state) is { } found)
            {
                string? problem;
                (run, problem) = await found.Volume.TakeRunAsync(CatalogSettings.Settings(_state.Find<CatalogGuest>(((CatalogDisk)decided.After!).Guest)!), found.Offset, found.Length);
                if (problem is not null)
                    return Refused(CatalogProblem.InUse, $"disk {decided.Key.Name}: {problem}");
                space = found;
                _making.Add(begun = new DiskInMaking(decided, cancellation));
            }
            else
            {
                return await MakeAsync(command, decided);
            }
        }
        finally
        {
            _ = _one.Release();
        }

        if (deleted is not null)
        {
            await deleted.Ended;
            CatalogAnswer answer = await ChangeAsync(command, cancellation);
            return answer.Refusal is { Problem: CatalogProblem.NotFound } ? new CatalogAnswer(null, null) : answer;
        }

        return await EndAsync(command, begun!, space, run!);
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
            CatalogDecision decision = Decide(command);
            return decision.Event is not { } decided ? AnswerOf(decision, command)
                : _actions.ToZero(decided, _state) != space ? Refused(CatalogProblem.InUse, $"disk {name}: it has changed while its space was being zeroed; try again")
                : await MakeAsync(command, decided);
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
        if ((WhyFixed ?? _failure) is { } failure)
            return new CatalogDecision(null, new CatalogRefusal(CatalogProblem.Unavailable, $"the catalog can't be changed now, and nothing was: {failure}"));
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        CatalogDecision alone = _state.Decide(command, now, _parts.IsAttached);
        if (alone.Event is EntityDeleted<CatalogIdentity> && command is DeleteEntity { MayOpen: false } && !_parts.AreIdentitiesRequired && _state.All<CatalogIdentity>().Count() == 1)
        {
            return new CatalogDecision(null, new CatalogRefusal(
                CatalogProblem.InUse,
                $"identity {command.Key.Name} is the last one: without it whoever reaches an NBD address or the rings' socket opens any disk. If that is meant, delete it with ?open=true (--open)"));
        }

        if (alone.Event is null || (command is DeleteEntity && _making.Find(command.Key) is not null))
            return alone;
        if (_making.WhyNot(alone.Event) is { } refusal)
            return new CatalogDecision(null, refusal);
        CatalogDecision beside = _making.Over(_state).Decide(command, now, _parts.IsAttached);
        return beside.Refusal is null ? beside : new CatalogDecision(null, _making.Explain(beside.Refusal));
    }

    private CatalogAnswer AnswerOf(CatalogDecision decision, CatalogCommand command) =>
        new(decision.Refusal is null ? _state.Find(command.Key.Kind, command.Key.Name) : null, decision.Refusal);

    // Under the lock.
    private async Task<CatalogAnswer> MakeAsync(CatalogCommand command, CatalogEvent decided)
    {
        PreparedChange prepared = await _actions.PrepareAsync(decided, _state);
        if (prepared.Refusal is not null)
            return new CatalogAnswer(null, prepared.Refusal);

        // As it was prepared: with its place, if it is a disk.
        CatalogAnswer answer = await TellAsync(command is PutEntity put ? put with { Entity = decided.After! } : command);
        if (answer.Refusal is null)
        {
            if (await prepared.CommitAsync(_state) is { } problem)
            {
                // A rescan tries again.
                NotInEffect(_logger, decided.Key.Kind, decided.Key.Name, problem);
                _parts.SetProblems([.. _parts.Problems.Append($"{decided.Key.Kind} {decided.Key.Name}: {problem}").Distinct()]);
            }
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
    public int Detach(string disk) => DetachAll?.Invoke(disk) ?? 0;

    /// <summary>Closes all connections to a disk, and says how many there were.</summary>
    public Func<string, int>? DetachAll { get; set; }

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

    private static CatalogAnswer Refused(CatalogProblem problem, string reason) => new(null, new CatalogRefusal(problem, reason));

    private Catalog Incarnation() => new(new CatalogSetup { Declared = _declared, Observer = this, IsAttached = _parts.IsAttached });

    private Task<CatalogAnswer> TellAsync(CatalogCommand command)
    {
        TaskCompletionSource<CatalogAnswer> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _owner!.Tell(new ChangeCatalog(command, done.SetResult));
        return done.Task;
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

    [LoggerMessage(Level = LogLevel.Error, Message = "The catalog can't be changed until the service is started again: {Problem}")]
    private static partial void Conflict(ILogger logger, string problem);

    [LoggerMessage(Level = LogLevel.Error, Message = "What runs could not be made what the catalog has")]
    private static partial void NotFitted(ILogger logger, Exception exception);
}
