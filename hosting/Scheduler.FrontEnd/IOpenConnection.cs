using Scheduler.Storage.Loop;

namespace Scheduler.FrontEnd;

/// <summary>A connection that has chosen its disk.</summary>
internal interface IOpenConnection
{
    /// <summary>What others see of it. From any thread.</summary>
    ConnectionView View { get; }

    /// <summary>Where it runs.</summary>
    EventLoop Loop { get; }

    /// <summary>Ends it now, answered or not. On the loop.</summary>
    /// <param name="reason">For the log.</param>
    void Abort(string reason);
}
