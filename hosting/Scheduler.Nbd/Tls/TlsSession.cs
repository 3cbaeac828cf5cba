using System.Buffers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Scheduler.Nbd.Tls;

/// <summary>
/// TLS beside the loops: between a client's socket and one end of a pair of sockets, whose other end joins a loop as if it
/// were the client's. So TLS takes no time of a loop, and what is behind it needs not know of it.
/// </summary>
/// <remarks>
/// S4: each direction holds one buffer, and is read again when that is written: who does not read stalls its own sender, as
/// without TLS. The end of a direction is passed on once all before it is; a broken connection ends both at once.
/// </remarks>
internal sealed class TlsSession
{
    private const int BufferBytes = 64 << 10;

    /// <summary>Longest time in which the last replies go out to a client after the loop's end was closed.</summary>
    private static readonly TimeSpan s_lastRepliesTimeMax = TimeSpan.FromSeconds(5);

    private readonly Socket _client;
    private readonly Socket _inner;
    private readonly SslStream _stream;
    private readonly string _remote;
    private readonly bool _needsCertificate;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Why the client is refused, so that nothing but a look at its certificate lets it in; null: it is not.</summary>
    private string? _refusal;

    private TlsSession(int client, int inner, bool needsCertificate)
    {
        _client = Take(client);
        _inner = Take(inner);
        _remote = _client.RemoteEndPoint is { } endpoint and not UnixDomainSocketEndPoint ? endpoint.ToString()! : "a Unix socket";
        _needsCertificate = needsCertificate;
        _refusal = needsCertificate ? "the client's certificate was not looked at" : null;
        _stream = new SslStream(new NetworkStream(_client, ownsSocket: true), leaveInnerStreamOpen: false, (_, certificate, chain, errors) =>
        {
            // A refusal here would only end the connection; inside TLS the client can be told why.
            _refusal = _needsCertificate ? Refusal(certificate, chain, errors) : null;
            return true;
        });
    }

    /// <summary>Begins the handshake, on the thread pool.</summary>
    /// <param name="tls">The server's settings.</param>
    /// <param name="client">The client's socket; from now on the session's.</param>
    /// <param name="inner">One end of a pair of sockets; likewise.</param>
    /// <param name="secured">Told when the handshake has succeeded, on any thread.</param>
    /// <param name="failed">Told, in place of that, why it has not; the sockets are closed then.</param>
    /// <returns>The session.</returns>
    public static TlsSession Begin(ServerTls tls, int client, int inner, Action<TlsPeer> secured, Action<string> failed)
    {
        TlsSession session = new(client, inner, tls.NeedsCertificate);
        _ = Task.Run(() => session.RunAsync(tls, secured, failed));
        return session;
    }

    /// <summary>Ends it at once.</summary>
    public void Abort()
    {
        _stream.Dispose();
        _inner.Dispose();
    }

    /// <summary>The loop's end was closed: what was sent there still goes out, within some seconds.</summary>
    /// <param name="ended">Called when both sockets are closed, on any thread.</param>
    public void Finish(Action ended) => _ = FinishAsync(ended);

    private static Socket Take(int descriptor)
    {
        // A network stream insists on this; asynchronous calls don't block all the same.
        return new Socket(new SafeSocketHandle(descriptor, ownsHandle: true)) { Blocking = true };
    }

    private async Task FinishAsync(Action ended)
    {
        if (await Task.WhenAny(_ended.Task, Task.Delay(s_lastRepliesTimeMax)) != _ended.Task)
            Abort();
        await _ended.Task;
        ended();
    }

    private async Task RunAsync(ServerTls tls, Action<TlsPeer> secured, Action<string> failed)
    {
        TlsPeer peer;
        try
        {
            await _stream.AuthenticateAsServerAsync(tls.Current());
            peer = new TlsPeer(
                _remote, _needsCertificate && _refusal is null ? ClientCertificate.Read((X509Certificate2)_stream.RemoteCertificate!) : null, _refusal);
        }
#pragma warning disable CA1031 // Whatever it is, it is this connection's alone.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Abort();
            failed($"{ClientCertificate.Printable((exception.InnerException ?? exception).Message)} (from {_remote})");
            _ended.SetResult();
            return;
        }

        secured(peer);
        await Task.WhenAll(PumpAsync(InwardAsync), PumpAsync(OutwardAsync));
        Abort();
        _ended.SetResult();
    }

    private static string? Refusal(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        certificate is null ? "the client has shown no certificate"
        : errors != SslPolicyErrors.None ? $"the client's certificate '{ClientCertificate.Printable(certificate.Subject)}' is not valid: {Problems(chain)}"
        : null;

    private static string Problems(X509Chain? chain) =>
        chain is { ChainStatus.Length: > 0 } ? string.Join(", ", chain.ChainStatus.Select(status => status.Status)) : "it can't be checked";

    // A direction that breaks off ends the other with it.
    private async Task PumpAsync(Func<byte[], Task> direction)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            await direction(buffer);
        }
#pragma warning disable CA1031 // As above.
        catch (Exception)
#pragma warning restore CA1031
        {
            Abort();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task InwardAsync(byte[] buffer)
    {
        while (true)
        {
            int count = await _stream.ReadAsync(buffer);
            try
            {
                if (count == 0)
                {
                    _inner.Shutdown(SocketShutdown.Send);
                    return;
                }

                await SendAsync(buffer.AsMemory(0, count));
            }
            catch (SocketException)
            {
                // The loop's end is closed; replies may still be on their way out.
                return;
            }
        }
    }

    private async Task SendAsync(ReadOnlyMemory<byte> data)
    {
        while (!data.IsEmpty)
            data = data[await _inner.SendAsync(data)..];
    }

    private async Task OutwardAsync(byte[] buffer)
    {
        while (true)
        {
            int count = await ReceiveAsync(buffer);
            if (count == 0)
                break;
            await _stream.WriteAsync(buffer.AsMemory(0, count));
        }

        // The loop's end is closed both ways: nobody reads what may still come in.
        await _stream.ShutdownAsync();
        Abort();
    }

    // An end that was closed with something unread is an end, too.
    private async Task<int> ReceiveAsync(byte[] buffer)
    {
        try
        {
            return await _inner.ReceiveAsync(buffer.AsMemory(), SocketFlags.None);
        }
        catch (SocketException)
        {
            return 0;
        }
    }
}
