using System.Collections.Concurrent;
using Akka.Actor;
using Microsoft.Extensions.Logging;
using Scheduler.Storage.Loop;

namespace Scheduler.Actors.Akka;

/// <summary>
/// The Akka.NET engine: the actors of the seam, each in a shell of Akka.NET's, in an actor system that
/// <see cref="AkkaEngine.WithSchedulerActors"/> has set up. Nothing is decided here but how the seam's words are said.
/// </summary>
public sealed partial class AkkaSystem : IActorSystem
{
    // A persistent actor's mailbox must take back what it held; what kind an actor is, is known when it is made.
    private const string Mailbox = "akka.actor.mailbox.unbounded-deque-based";

    private readonly ConcurrentDictionary<string, ActorRef> _volumes = new();
    private readonly ConcurrentDictionary<EventLoop, string> _dispatchers = new();
    private readonly ActorSystem _system;
    private readonly ILogger _logger;
    private readonly EventFormat? _format;
    private readonly ActorRef _nobody;
    private int _names;

    /// <summary>Ties the seam to an actor system.</summary>
    /// <param name="system">The actor system; it stays the caller's to terminate.</param>
    /// <param name="format">How events are written, the same as the actor system was set up with; null: there are no persistent actors.</param>
    /// <param name="logger">For actors that fail.</param>
    public AkkaSystem(ActorSystem system, EventFormat? format, ILogger<AkkaSystem> logger)
    {
        ArgumentNullException.ThrowIfNull(system);
        _system = system;
        _format = format;
        _logger = logger;
        var extended = (ExtendedActorSystem)system;
        _nobody = new AkkaRef(new EmptyLocalActorRef(extended.Provider, new RootActorPath(extended.Provider.DefaultAddress) / "user" / "nobody", system.EventStream));

        // Beside the actors that it speaks for: it is there until the last of them is gone. Subscribed here, before the first of
        // them is made.
        IActorRef letters = extended.SystemActorOf(global::Akka.Actor.Props.Create(() => new UnansweredLetters()), "scheduler-unanswered");
        _ = system.EventStream.Subscribe(letters, typeof(global::Akka.Event.DeadLetter));
    }

    /// <summary>Told of each actor that an exception stops, with its unique name, before its watchers are. Called on its dispatcher.</summary>
    public Action<string, Exception>? Failed { get; init; }

    /// <inheritdoc/>
    /// <remarks>A loop is a dispatcher of Akka.NET's; it is disposed by its owner, after the actors on it have stopped.</remarks>
    public ActorRef ActorOf(Props props, string name, EventLoop? loop = null)
    {
        ArgumentNullException.ThrowIfNull(props);
        // Akka.NET's names have no '#', which stands before the number on the local engine.
        string unique = $"{Uri.EscapeDataString(name)}-{Interlocked.Increment(ref _names)}";
        global::Akka.Actor.Props shell = global::Akka.Actor.Props.CreateBy(new ShellProducer(this, props, unique)).WithMailbox(Mailbox);
        shell = shell.WithDeploy(shell.Deploy.WithStashCapacity(PersistentTurns.HeldMax));
        return new AkkaRef(_system.ActorOf(loop is null ? shell : shell.WithDispatcher(DispatcherOf(loop)), unique));
    }

    /// <summary>The seam's address of an actor of Akka.NET's own.</summary>
    /// <param name="actor">Akka.NET's address.</param>
    public static ActorRef RefOf(IActorRef actor) => new AkkaRef(actor);

    /// <summary>Akka.NET's own address of an actor of this engine.</summary>
    /// <param name="actor">The seam's address.</param>
    public static IActorRef AkkaOf(ActorRef actor) => AkkaRef.Of(actor);

    /// <inheritdoc/>
    public void Register(string volume, ActorRef actor) => _volumes[volume] = actor;

    /// <inheritdoc/>
    public void Stop(ActorRef actor) => _system.Stop(AkkaRef.Of(actor));

    /// <summary>The scheduler of a volume.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <returns>Its address; one that has stopped if there is none.</returns>
    public ActorRef Resolve(string volume) => _volumes.GetValueOrDefault(volume, _nobody);

    internal void LogFailure(Exception exception, IActorRef actor) => LogFailure(exception, actor.Path.ToString());

    private string DispatcherOf(EventLoop loop) => _dispatchers.GetOrAdd(loop, added =>
    {
        string id = $"scheduler.loop.{Interlocked.Increment(ref _names)}";
        _ = _system.Dispatchers.RegisterConfigurator(id, new LoopDispatcherConfigurator(_system, id, added));
        return id;
    });

    private void LogFailure(Exception exception, string path)
    {
        ActorFailed(_logger, exception, path, exception.Message);
        Failed?.Invoke(path[(path.LastIndexOf('/') + 1)..], exception);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Actor {Path} stops: {Reason}")]
    private static partial void ActorFailed(ILogger logger, Exception exception, string path, string reason);

    // Makes the actor where Akka.NET makes its shell, on the actor's dispatcher.
    private sealed class ShellProducer(AkkaSystem system, Props props, string name) : IIndirectActorProducer
    {
        public Type ActorType => typeof(ActorBase);

        public ActorBase Produce()
        {
            try
            {
                return props.Create() switch
                {
                    PersistentActor persistent when system._format is { } format => new PersistentShell(system, persistent, format),
                    PersistentActor persistent => throw new PersistenceException($"{persistent.PersistenceId} is a persistent actor, and its engine was given no journal"),
                    Actor actor => new ActorShell(system, actor),
                };
            }
            catch (Exception exception)
            {
                system.LogFailure(exception, name);
                throw;
            }
        }

        public void Release(ActorBase actor)
        {
        }
    }
}
