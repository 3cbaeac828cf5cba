using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Scheduler.Storage.Loop;

namespace Scheduler.Actors.Akka;

/// <summary>Makes a volume's loop a dispatcher of Akka.NET: the actors stay separate, and the loop decides where they run.</summary>
internal sealed class LoopDispatcherConfigurator : MessageDispatcherConfigurator
{
    private readonly LoopDispatcher _dispatcher;

    public LoopDispatcherConfigurator(ActorSystem system, string id, EventLoop loop)
        : base(Config.Empty, new DefaultDispatcherPrerequisites(system.EventStream, system.Scheduler, system.Settings, system.Mailboxes)) =>
        _dispatcher = new LoopDispatcher(this, id, loop);

    public override MessageDispatcher Dispatcher() => _dispatcher;

    private sealed class LoopDispatcher : MessageDispatcher
    {
        // As on the local engine: one actor does not keep the loop's other actors waiting.
        private const int MessagesPerTurnMax = 64;

        private readonly EventLoop _loop;

        public LoopDispatcher(MessageDispatcherConfigurator configurator, string id, EventLoop loop)
            : base(configurator)
        {
            _loop = loop;
            Id = id;
            Throughput = MessagesPerTurnMax;
        }

        protected override void ExecuteTask(IRunnable run) => _loop.Post(new Turn(run));

        // The loop is its owner's.
        protected override void Shutdown()
        {
        }
    }

    private sealed class Turn(IRunnable run) : ILoopWork
    {
        public void Run() => run.Run();
    }
}
