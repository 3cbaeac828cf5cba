using Akka.Actor;
using Akka.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Scheduler.Actors.Akka.Tests;

/// <summary>An actor system of its own, as a node of a cluster has one.</summary>
internal sealed class AkkaNode : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly ActorSystem _akka;

    /// <param name="persistence">The journal, or null.</param>
    /// <param name="failed">Told of failures.</param>
    public AkkaNode(AkkaPersistence? persistence, Action<Exception>? failed = null)
    {
        _services = new ServiceCollection()
            .AddLogging()
            .AddAkka("test", (builder, _) => builder.WithSchedulerActors(persistence).ConfigureLoggers(setup => setup.ClearLoggers()))
            .BuildServiceProvider();
        _akka = _services.GetRequiredService<ActorSystem>();
        System = new AkkaSystem(_akka, persistence?.Format, NullLogger<AkkaSystem>.Instance) { Failed = (_, failure) => failed?.Invoke(failure) };
    }

    public AkkaSystem System { get; }

    public async ValueTask DisposeAsync()
    {
        await _akka.Terminate();
        await _services.DisposeAsync();
    }
}
