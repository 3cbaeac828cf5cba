using System.Globalization;
using System.Net;
using System.Text;

namespace Scheduler.Host.Configuration;

/// <summary>
/// Reads addresses to listen on, and refuses those that other machines can reach, unless what listens there authenticates its
/// clients or it was asked for all the same.
/// </summary>
/// <param name="reader">Makes errors.</param>
/// <param name="insecure">The value of <c>scheduler.insecure</c>.</param>
/// <param name="authenticated">NBD clients over TCP have to use TLS and to show a certificate.</param>
internal sealed class ListenRules(SettingsReader reader, bool insecure, bool authenticated)
{
    /// <summary>The port of NBD, registered with IANA.</summary>
    private const int NbdPort = 10809;

    /// <summary>Bytes of <c>sun_path</c> on Linux without the closing zero.</summary>
    private const int UnixPathBytesMax = 107;

    /// <summary>Addresses of the NBD front end: <c>tcp://address[:port]</c> or <c>unix:path</c>.</summary>
    public IReadOnlyList<ListenEndpoint> Nbd(string key, IReadOnlyList<string> texts)
    {
        if (texts.Count == 0)
            reader.Wrong(key, "needs at least one address, e.g. [\"tcp://127.0.0.1:10809\"]");
        List<ListenEndpoint> endpoints = [];
        for (int i = 0; i < texts.Count; i++)
        {
            string itemKey = SettingsReader.Key(key, i.ToString(CultureInfo.InvariantCulture));
            if (Parse(itemKey, texts[i], "tcp", NbdPort) is not { } endpoint)
                continue;
            if (!authenticated)
                RequireLocal(itemKey, texts[i], endpoint, "127.0.0.1, [::1] or unix:path, or nbd.tls with client-ca and required = true");
            if (endpoints.Contains(endpoint) && endpoint is not TcpListenEndpoint { Port: 0 })
                reader.Wrong(itemKey, $"'{texts[i]}' is listed twice");
            endpoints.Add(endpoint);
        }

        return endpoints;
    }

    /// <summary>Address of the admin API: <c>http://address[:port]</c> or <c>unix:path</c>; with TLS
    /// <c>https://address[:port]</c>, where other machines need a token.</summary>
    public ListenEndpoint Admin(string key, string? text, bool tls)
    {
        string address = reader.Text(key, text);
        bool isHttps = address.StartsWith("https:", StringComparison.Ordinal);
        if (address.Length > 0 && isHttps != tls)
            reader.Wrong(key, tls ? $"'{address}' does without admin.tls; write https://127.0.0.1:443" : $"'{address}' needs admin.tls, with certificate and key");
        ListenEndpoint? endpoint = address.Length == 0 ? null : isHttps ? Parse(key, address, "https", 443) : Parse(key, address, "http", 80);
        if (endpoint is not null && !isHttps)
            RequireLocal(key, address, endpoint, "127.0.0.1, [::1] or unix:path, or https:// with admin.tls");
        return endpoint ?? new UnixListenEndpoint("");
    }

    /// <summary>Address of rings in shared memory: <c>unix:path</c>, and none of NBD's; null where there is none, or it is wrong.</summary>
    public string? Rings(string key, string? text, IReadOnlyList<ListenEndpoint> nbd)
    {
        if (text is null)
            return null;
        if (!text.StartsWith("unix:", StringComparison.Ordinal))
            return reader.Wrong<string?>(key, $"'{text}' is not an address for rings, which stay on the machine; write unix:path", null);
        string path = UnixPath(key, text["unix:".Length..]);
        return nbd.Contains(new UnixListenEndpoint(path)) ? reader.Wrong<string?>(key, $"'{text}' is also in nbd.listen", null) : path;
    }

    /// <summary>An address at which other nodes of a cluster reach this one: <c>tcp://address:port</c>, not all addresses at once.</summary>
    public IPEndPoint Node(string key, string? text)
    {
        IPEndPoint endpoint = Peer(key, text);
        if (endpoint.Address.Equals(IPAddress.Any) || endpoint.Address.Equals(IPAddress.IPv6Any))
            reader.Wrong(key, $"'{text}' is not an address that others can connect to; write the one of this machine that they reach");
        else
            RequireLocal(key, text ?? "", new TcpListenEndpoint(endpoint.Address, endpoint.Port), "a loopback address, or a network of the nodes alone");
        return endpoint;
    }

    /// <summary>The address of a node: <c>tcp://address:port</c>.</summary>
    public IPEndPoint Peer(string key, string? text)
    {
        string address = reader.Text(key, text);
        if (Tcp(address, "tcp", 0) is { Port: > 0 } tcp)
            return new IPEndPoint(tcp.Address, tcp.Port);
        if (address.Length > 0)
            reader.Wrong(key, $"'{address}' is not the address of a node; write tcp://127.0.0.1:4053");
        return new IPEndPoint(IPAddress.Loopback, 0);
    }

    private ListenEndpoint? Parse(string key, string text, string scheme, int defaultPort)
    {
        if (text.StartsWith("unix:", StringComparison.Ordinal))
            return new UnixListenEndpoint(UnixPath(key, text["unix:".Length..]));
        return Tcp(text, scheme, defaultPort) ?? reader.Wrong<TcpListenEndpoint?>(
            key, $"'{text}' is not an address to listen on; write {scheme}://127.0.0.1:{defaultPort} or unix:path", null);
    }

    private void RequireLocal(string key, string text, ListenEndpoint endpoint, string remedy)
    {
        if (!endpoint.IsLocal && !insecure)
        {
            reader.Wrong(
                key,
                $"'{text}' can be reached from other machines, which nothing here authenticates; use {remedy}, or set "
                + "scheduler.insecure = true");
        }
    }

    private string UnixPath(string key, string path)
    {
        reader.FilePath(key, path);
        return Encoding.UTF8.GetByteCount(path) <= UnixPathBytesMax
            ? path
            : reader.Wrong(key, $"the path of a Unix socket has at most {UnixPathBytesMax} bytes", path);
    }

    /// <summary>Names other than localhost are refused: what they stand for may change after it was checked.</summary>
    private static TcpListenEndpoint? Tcp(string text, string scheme, int defaultPort)
    {
        string prefix = scheme + "://";
        if (!text.StartsWith(prefix, StringComparison.Ordinal))
            return null;
        string authority = text[prefix.Length..].TrimEnd('/');
        int colon = authority.LastIndexOf(':');
        bool hasPort = colon >= 0 && !authority.EndsWith(']');
        string host = hasPort ? authority[..colon] : authority;
        ushort port = (ushort)defaultPort;
        if (hasPort && !ushort.TryParse(
            authority.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port))
        {
            return null;
        }

        return Address(host) is { } address ? new TcpListenEndpoint(address, port) : null;
    }

    private static IPAddress? Address(string host)
    {
        if (host == "localhost")
            return IPAddress.Loopback;
        bool bracketed = host.Length > 2 && host[0] == '[' && host[^1] == ']';
        bool parsed = IPAddress.TryParse(bracketed ? host[1..^1] : host, out IPAddress? address);
        return parsed && bracketed == host.Contains(':') ? address : null;
    }
}
