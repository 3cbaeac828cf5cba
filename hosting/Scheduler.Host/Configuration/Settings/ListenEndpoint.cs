using System.Net;

namespace Scheduler.Host.Configuration;

/// <summary>An address to listen on.</summary>
public abstract record ListenEndpoint
{
    /// <summary>Whether only this machine can connect.</summary>
    public abstract bool IsLocal { get; }
}

/// <summary>A TCP port.</summary>
/// <param name="Address">The local address; 0.0.0.0 or :: for all.</param>
/// <param name="Port">0 to 65535; 0: any that is free.</param>
public sealed record TcpListenEndpoint(IPAddress Address, int Port) : ListenEndpoint
{
    /// <inheritdoc/>
    public override bool IsLocal => IPAddress.IsLoopback(Address);

    /// <summary>Address and port, e.g. <c>127.0.0.1:10809</c> or <c>[::1]:10809</c>.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => new IPEndPoint(Address, Port).ToString();
}

/// <summary>A Unix socket.</summary>
/// <param name="Path">The socket's file, relative to the working directory unless absolute; at most 107 bytes in
/// UTF-8.</param>
public sealed record UnixListenEndpoint(string Path) : ListenEndpoint
{
    /// <inheritdoc/>
    public override bool IsLocal => true;

    /// <summary>E.g. <c>unix:data/nbd.sock</c>.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => $"unix:{Path}";
}
