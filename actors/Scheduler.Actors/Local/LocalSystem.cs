using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Scheduler.Storage.Loop;

namespace Scheduler.Actors.Local;

/// <summary>Decides where the turns of actors run.</summary>
public interface IDispatcher
{
    /// <summary>Has a mailbox run its turn, soon, on a thread of the dispatcher.</summary>
    /// <param name="mailbox">The mailbox.</param>
    void Schedule(Mailbox mailbox);
}

/// <summary>The local engine: actors with mailboxes inside this process.</summary>
public sealed partial class LocalSystem(ILogger<LocalSystem> logger) : IActorSystem
{
    private readonly ConcurrentDictionary<string, ActorRef> _volumes = new();
    private readonly ConcurrentDictionary<string, Mailbox> _actors = new();
    private readonly ILogger _logger = logger;
    private int _names;

    /// <summary>Where persistent actors keep their events; null: there are none.</summary>
    public PersistenceSetup? Persistence { get; init; }

    /// <summary>Told of each actor that an exception stops, with its path, before its watchers are. Called on its dispatcher.</summary>
    public Action<string, Exception>? Failed { get; init; }

    /// <summary>The actors that have not stopped.</summary>
    public IReadOnlyList<ActorRef> Actors => [.. _actors.Values];

    /// <summary>Starts an actor.</summary>
    /// <param name="props">How to make it.</param>
    /// <param name="name">Name, for logs; made unique.</param>
    /// <param name="dispatcher">Where it runs.</param>
    /// <returns>Its address.</returns>
    public ActorRef ActorOf(Props props, string name, IDispatcher dispatcher)
    {
        Mailbox mailbox = new(this, props, $"{name}#{Interlocked.Increment(ref _names)}", dispatcher);
        _actors[mailbox.Path] = mailbox;
        mailbox.Start();
        return mailbox;
    }

    ActorRef IActorSystem.ActorOf(Props props, string name, EventLoop? loop) =>
        ActorOf(props, name, loop is null ? ThreadPoolDispatcher.Instance : new LoopDispatcher(loop));

    void IActorSystem.Stop(ActorRef actor) => Stop(actor);

    /// <inheritdoc/>
    public void Register(string volume, ActorRef actor) => _volumes[volume] = actor;

    /// <summary>Stops an actor; see <see cref="IActorContext.Stop"/>. From any thread.</summary>
    /// <param name="actor">The actor.</param>
    public static void Stop(ActorRef actor) => ((Mailbox)actor).Tell(StopRequest.Instance);

    /// <summary>The scheduler of a volume.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <returns>Its address; one that has stopped if there is none.</returns>
    public ActorRef Resolve(string volume) => _volumes.TryGetValue(volume, out ActorRef? actor) ? actor : Mailbox.Nobody(this);

    internal void Forget(Mailbox mailbox) => _ = _actors.TryRemove(mailbox.Path, out _);

    internal void LogFailure(Exception exception, string path)
    {
        ActorFailed(_logger, exception, path, exception.Message);
        Failed?.Invoke(path, exception);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Actor {Path} stops: {Reason}")]
    private static partial void ActorFailed(ILogger logger, Exception exception, string path, string reason);
}

/// <summary>Stops the actor that receives it.</summary>
internal sealed record StopRequest
{
    public static readonly StopRequest Instance = new();
}
