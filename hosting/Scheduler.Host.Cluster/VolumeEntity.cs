using Akka.Actor;
using Scheduler.Host.Cluster.Link;
using Scheduler.Host.Running;

namespace Scheduler.Host.Cluster;

/// <summary>
/// The owner of a volume, wherever sharding puts it: begins a tenancy (VolumeTenancy.cs), says who the owner is, and takes the
/// rings of other nodes. It stops when the tenancy is over; who asks for the owner then has another begun, here or elsewhere.
/// </summary>
internal sealed partial class VolumeEntity : UntypedActor, IWithTimers
{
    private readonly string _volume;
    private readonly ClusterEngine _engine;
    private VolumeTenancy? _tenancy;
    private Serving? _serving;
    private string _reason;
    private bool _over;

    /// <summary>Changes of disks for other nodes that are under way, by who asked.</summary>
    private readonly Dictionary<IActorRef, CancellationTokenSource> _changes = [];

    /// <param name="volume">Name of the volume.</param>
    /// <param name="engine">This node.</param>
    public VolumeEntity(string volume, ClusterEngine engine)
    {
        _volume = volume;
        _engine = engine;
        _reason = $"node {engine.Node} takes volume {volume} over";
    }

    /// <summary>Akka.NET's.</summary>
    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        if (_engine.DefinitionOf(_volume).Length == 0)
        {
            _reason = $"node {_engine.Node} does not know volume {_volume}: give it the configuration of the others, and start it again";
            return;
        }

        IActorRef self = Self;
        _tenancy = new VolumeTenancy(
            _engine,
            _volume,
            new TenancyEvents(line => self.Tell(new Waiting(line)), (epoch, running) => self.Tell(new Serving(epoch, running)), reason => self.Tell(new Waiting(reason))));
        _ = _engine.RunAsync(_volume, _tenancy).PipeTo(self, success: () => new Over(null), failure: failure => new Over(failure));
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case FindOwner find:
                Sender.Tell(Answer(find));
                break;
            case AttachRing attach when _serving is { } serving && attach.Epoch == serving.Epoch:
                _ = TakeRingAsync(attach, serving).PipeTo(Sender, Self);
                break;
            case AttachRing attach:
                Sender.Tell(new RingRefused(attach.Ring, _reason, ForGood: false));
                break;
            case ChangeDisk change:
                Sender.Tell(ChangeTaken.Instance);
                CancellationTokenSource givenUp = new();
                _changes[Sender] = givenUp;
                Context.Watch(Sender);
                _ = _engine.Catalog.ChangeAsync(change, givenUp.Token).PipeTo(Sender, Self);
                break;
            case Terminated gone when _changes.Remove(gone.ActorRef, out CancellationTokenSource? change):
                // It has its answer, or nobody waits for that any more.
                change.Cancel();
                change.Dispose();
                break;
            case ClearFault clear:
                _ = ClearFaultAsync(clear, _serving?.Volume).PipeTo(Sender, Self);
                break;
            case Waiting waiting:
                Waits(_engine.Logger, _volume, waiting.Reason);
                _serving = null;
                _reason = waiting.Reason;
                break;
            case Serving serving:
                Owns(_engine.Logger, _volume, _engine.Node, serving.Epoch);
                _serving = serving;
                _engine.Remember(_volume, null);
                break;
            case HandOver when _tenancy is { } tenancy && !_over:
                tenancy.End(TenancyEnd.HandOver);
                break;
            case HandOver or Enough:
                Context.Stop(Self);
                break;
            case Over { Exception: { } exception and not OperationCanceledException }:
                // Not at once again: each try takes the lease, and others may want it.
                _over = true;
                string problem = exception.Message.ReplaceLineEndings(" ");
                _engine.Remember(_volume, problem);
                _reason = $"node {_engine.Node} can't serve volume {_volume}: {problem}";
                CannotServe(_engine.Logger, _volume, _engine.Node, problem);
                Timers.StartSingleTimer(Enough.Instance, Enough.Instance, _engine.PauseAfterFailure(_volume));
                break;
            case Over:
                Context.Stop(Self);
                break;
        }
    }

    // Also when Akka.NET itself stops.
    protected override void PostStop() => _tenancy?.End(TenancyEnd.Stop);

    private IClusterMessage Answer(FindOwner find)
    {
        if (find.Definition != _engine.DefinitionOf(_volume))
        {
            return new NoOwnerYet(
                _engine.Node,
                $"nodes {_engine.Node} and {find.Node} do not define volume {_volume} and its disks the same; give both the same configuration, and start again the one that is wrong");
        }

        return _serving is { } serving
            ? new OwnerIs(
                _engine.Node,
                serving.Epoch,
                serving.Volume.BlockSize,
                [.. serving.Volume.Disks.Select(disk => new DiskSize(disk.Settings.Name, disk.Size))],
                _engine.Payload.ToString())
            : new NoOwnerYet(_engine.Node, !_over && _engine.LastFailure(_volume) is { } failure ? $"{_reason}; before: {failure}" : _reason);
    }

    private async Task<object> TakeRingAsync(AttachRing attach, Serving serving)
    {
        try
        {
            LinkTicket ticket = await _engine.OfferAsync(attach, serving.Volume);
            return new RingTaken(attach.Ring, ticket.Epoch, ticket.Id, ticket.Credits, ticket.Guest, ticket.BufferBytes, ticket.Clearings);
        }
        catch (LinkRefusedException refused)
        {
            return new RingRefused(attach.Ring, refused.Message, ForGood: !refused.Again);
        }
    }

    private async Task<FaultAnswer> ClearFaultAsync(ClearFault clear, RunningVolume? volume)
    {
        FaultClearing clearing = volume is null ? new FaultClearing(true, $"volume {_volume} moves to another node; try again") : await _engine.Service.ClearFaultAsync(volume, clear.Domain, clear.By);
        return new FaultAnswer(clearing.IsThere, clearing.Problem);
    }

    private sealed record Waiting(string Reason);

    private sealed record Serving(long Epoch, RunningVolume Volume);

    private sealed record Over(Exception? Exception);

    private sealed record Enough
    {
        public static readonly Enough Instance = new();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume}: node {Node} owns it under epoch {Epoch}")]
    private static partial void Owns(ILogger logger, string volume, string node, long epoch);

    [LoggerMessage(Level = LogLevel.Information, Message = "Volume {Volume} is not served by this node: {Reason}")]
    private static partial void Waits(ILogger logger, string volume, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Volume {Volume} can't be served by node {Node}: {Reason}")]
    private static partial void CannotServe(ILogger logger, string volume, string node, string reason);
}
