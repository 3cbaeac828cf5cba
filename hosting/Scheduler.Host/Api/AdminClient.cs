using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Scheduler.Host.Api;

/// <summary>A request to a running service could not be carried out. The message is one line for the operator.</summary>
/// <param name="message">What happened.</param>
internal sealed class AdminException(string message) : Exception(message);

/// <summary>Asks a running service at its admin address.</summary>
internal sealed class AdminClient : IDisposable
{
    private static readonly TimeSpan s_timeMax = TimeSpan.FromSeconds(30);

    private readonly string _address;
    private readonly HttpClient _http;

    /// <param name="address"><c>http://address[:port]</c> or <c>unix:path</c>, as in <c>scheduler.admin.listen</c>.</param>
    public AdminClient(string address)
    {
        // This machine is not asked through a proxy.
        SocketsHttpHandler handler = new() { UseProxy = false };
        Uri uri = new("http://localhost");
        if (UnixPath(address) is { } path)
            handler.ConnectCallback = async (_, cancellation) => await ConnectAsync(path, cancellation);
        else
            uri = new Uri(address);
        _address = address;
        _http = new HttpClient(handler) { BaseAddress = uri, Timeout = s_timeMax };
    }

    /// <summary>Whether a text is an address that can be asked.</summary>
    /// <param name="address">The text.</param>
    public static bool IsAddress(string address) =>
        UnixPath(address) is { Length: > 0 } || (Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeHttp);

    /// <summary>The faults of the service.</summary>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>All of them.</returns>
    /// <exception cref="AdminException">The service can't be asked, or refuses.</exception>
    public async Task<IReadOnlyList<FaultItem>> FaultsAsync(CancellationToken cancellation)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, "/faults", cancellation);
        return (await ReadAsync(response, ApiJson.Default.FaultList, cancellation)).Faults;
    }

    /// <summary>Clears a fault.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="domain">Index of the flush domain.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="AdminException">The service can't be asked, or refuses.</exception>
    public async Task ClearFaultAsync(string volume, int domain, CancellationToken cancellation)
    {
        string path = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/faults/{Uri.EscapeDataString(volume)}/{domain}");
        using HttpResponseMessage response = await SendAsync(HttpMethod.Delete, path, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static string? UnixPath(string address) =>
        address.StartsWith("unix:", StringComparison.Ordinal) ? address["unix:".Length..] : null;

    private static async Task<Stream> ConnectAsync(string path, CancellationToken cancellation)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, CancellationToken cancellation)
    {
        HttpResponseMessage response;
        try
        {
            using HttpRequestMessage request = new(method, AdminApi.Prefix + path);
            response = await _http.SendAsync(request, cancellation);
        }
        catch (HttpRequestException e)
        {
            throw new AdminException($"no service answers at {_address}: {e.Message}; name its scheduler.admin.listen with --admin");
        }
        catch (TaskCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new AdminException($"the service at {_address} does not answer within {s_timeMax.TotalSeconds} s; it may still do what was asked");
        }

        if (response.IsSuccessStatusCode)
            return response;
        using (response)
        {
            bool isProblem = response.Content.Headers.ContentType?.MediaType == "application/problem+json";
            Problem? problem = isProblem ? await ReadAsync(response, ApiJson.Default.Problem, cancellation) : null;
            throw new AdminException(problem?.Detail ?? problem?.Title ?? $"{_address} answers with HTTP status {(int)response.StatusCode}");
        }
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        try
        {
            return await response.Content.ReadFromJsonAsync(type, cancellation) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new AdminException($"{_address} is not a scheduler's admin address: {e.Message}");
        }
    }
}
