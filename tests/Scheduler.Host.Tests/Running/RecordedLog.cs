using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Scheduler.Host.Tests.Running;

/// <summary>Keeps what is logged, in all categories, from any thread.</summary>
internal sealed class RecordedLog : ILogger, ILoggerFactory
{
    public ConcurrentQueue<string> Lines { get; } = [];

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Enqueue($"{logLevel}: {formatter(state, exception)}");
}
